#include "strata/banner.h"

#include <gtest/gtest.h>

namespace strata::roof {
namespace {

BannerFacts facts() {
  BannerFacts out;
  out.version = "1.2.3";
  out.data = "./strata-data";
  out.s3 = HostPort{"127.0.0.1", 9000};
  out.admin = HostPort{"127.0.0.1", 9001};
  out.nbd = HostPort{"127.0.0.1", 10809};
  out.nbd_socket = "./strata-data/nbd.sock";
  out.region = "us-east-1";
  out.credentials = {std::string(kDevelopmentUser), std::string(kDevelopmentPassword), true, ""};
  out.store.replicas = 3;
  replica::DriveStatus& drive = out.store.drives.emplace_back();
  drive.path = "./strata-data/drive1";
  drive.id = "c5b4375543452bb08b3644323a1c3146";
  drive.capacity_bytes = 2 * kGiB;
  drive.available_bytes = kGiB;
  drive.in_service = true;
  drive.state = "in service";
  out.ready_ms = 42;
  return out;
}

bool shows(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Banner, tells_where_websites_are_served) {
  BannerFacts served = facts();
  served.website = HostPort{"0.0.0.0", 9002};
  EXPECT_TRUE(shows(banner(served), "Websites     http://127.0.0.1:9002/")) << banner(served);
}

TEST(Banner, tells_where_everything_is_and_what_to_paste) {
  const std::string text = banner(facts());
  EXPECT_TRUE(shows(text, "after 42 ms")) << text;
  EXPECT_TRUE(shows(text, "http://127.0.0.1:9000")) << text;
  EXPECT_TRUE(shows(text, "http://127.0.0.1:9001/metrics")) << text;
  EXPECT_TRUE(shows(text, "nbd://127.0.0.1:10809/NAME")) << text;
  EXPECT_TRUE(shows(text, "nbd+unix:///NAME?socket=./strata-data/nbd.sock")) << text;
  EXPECT_TRUE(shows(text, "strata / strata-secret")) << text;
  EXPECT_TRUE(shows(text, "./strata-data/drive1  in service")) << text;
  EXPECT_TRUE(shows(text, "Durability   strict: ")) << text;
  EXPECT_FALSE(shows(text, "Websites")) << text;
  EXPECT_TRUE(shows(text,
                    "aws --region us-east-1 --endpoint-url http://127.0.0.1:9000 "
                    "s3 mb s3://demo"))
      << text;
  EXPECT_TRUE(shows(text, "nbdinfo nbd://127.0.0.1:10809/demo")) << text;
  EXPECT_TRUE(shows(text, "strata compare --quick")) << text;
}

TEST(Banner, says_that_a_success_is_not_flushed_yet) {
  BannerFacts relaxed = facts();
  relaxed.store.relaxed = true;
  EXPECT_TRUE(shows(banner(relaxed), "Durability   relaxed: ")) << banner(relaxed);
}

TEST(Banner, a_folder_that_is_not_used_is_named_and_is_none_of_the_drives) {
  BannerFacts more = facts();
  replica::DriveStatus& left_out = more.store.drives.emplace_back();
  left_out.path = "./strata-data/drive2";
  left_out.state = "not used: it has left the cluster";
  const std::string text = banner(more);
  EXPECT_TRUE(shows(text, "1 of 1 in service")) << text;
  EXPECT_TRUE(shows(text, "drive1  in service, 1 GiB free\n")) << text;
  EXPECT_TRUE(shows(text, "drive2  not used: it has left the cluster\n")) << text;
}

TEST(Banner, never_shows_a_secret_that_somebody_set) {
  BannerFacts own = facts();
  own.credentials = {"owner", "the-real-secret", false, "STRATA_ROOT_*"};
  const std::string text = banner(own);
  EXPECT_FALSE(shows(text, "the-real-secret")) << text;
  EXPECT_TRUE(shows(text, "owner")) << text;
}

TEST(Banner, every_address_is_reached_over_loopback_from_here) {
  BannerFacts open = facts();
  open.s3->host = "0.0.0.0";
  open.nbd->host = "::";
  const std::string text = banner(open);
  EXPECT_TRUE(shows(text, "http://127.0.0.1:9000")) << text;
  EXPECT_TRUE(shows(text, "nbd://[::1]:10809/")) << text;
}

TEST(Banner, says_what_is_off_and_offers_only_what_works) {
  BannerFacts quiet = facts();
  quiet.s3.reset();
  quiet.nbd.reset();
  const std::string text = banner(quiet);
  EXPECT_FALSE(shows(text, "aws ")) << text;
  EXPECT_TRUE(shows(text, "S3           off")) << text;
  EXPECT_TRUE(shows(text, "nbdinfo 'nbd+unix:///demo?socket=./strata-data/nbd.sock'")) << text;
}

TEST(Banner, a_folder_of_ones_own_is_named_in_what_to_paste) {
  BannerFacts elsewhere = facts();
  elsewhere.data = "/srv/my data";
  EXPECT_TRUE(shows(banner(elsewhere), "strata volume create demo 1G --data '/srv/my data' && "));
}

TEST(Banner, lines_to_paste_call_the_program_as_it_was_called) {
  BannerFacts checkout = facts();
  checkout.program = "build/release/strata";
  EXPECT_TRUE(shows(banner(checkout), "  build/release/strata compare --quick\n"));
  EXPECT_TRUE(shows(banner(checkout), "  build/release/strata volume create demo 1G"));
}

TEST(Banner, nbd_with_tls_required_is_shown_as_such_and_tried_over_the_unix_socket) {
  BannerFacts told = facts();
  told.nbd_tls = nbd::TlsMode::kRequired;
  const std::string text = banner(told);
  EXPECT_TRUE(shows(text, "nbds://127.0.0.1:10809/NAME")) << text;
  EXPECT_FALSE(shows(text, "nbdinfo nbd://")) << text;
  EXPECT_TRUE(shows(text, "nbdinfo 'nbd+unix:///demo?")) << text;
}

}  // namespace
}  // namespace strata::roof
