#include "objstore/settings/lifecycle.h"

#include <gtest/gtest.h>

#include "objstore/settings/lifecycle_due.h"

namespace strata::settings {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

std::string wrap(std::string_view rules) {
  return "<LifecycleConfiguration>" + std::string(rules) + "</LifecycleConfiguration>";
}
std::string lifecycle_rule(std::string_view inside, std::string_view filter = "<Filter/>",
                           std::string_view id = "r") {
  return "<Rule><ID>" + std::string(id) + "</ID><Status>Enabled</Status>" + std::string(filter) +
         std::string(inside) + "</Rule>";
}
std::string expire(int days) {
  return "<Expiration><Days>" + std::to_string(days) + "</Days></Expiration>";
}
std::string_view lifecycle_reason(const std::string& xml) {
  const auto parsed = parse_lifecycle(xml, 1);
  return parsed.ok() ? "OK" : parsed.error().reason;
}
LifecycleConfiguration parse(const std::string& rules) {
  return parse_lifecycle(wrap(rules), 1).value();
}
Time at(std::string_view text) {
  return codec::parse_iso8601(text).value();
}

TEST(LifecycleXml, reads_every_element_and_writes_it_back) {
  const std::string xml = wrap(
      lifecycle_rule(
          "<Expiration><Days>365</Days></Expiration>"
          "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
          "<NoncurrentVersionTransition><NoncurrentDays>30</NoncurrentDays>"
          "<NewerNoncurrentVersions>2</NewerNoncurrentVersions>"
          "<StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>"
          "<NoncurrentVersionExpiration><NoncurrentDays>60</NoncurrentDays>"
          "<NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionExpiration>",
          "<Filter><And><Prefix>logs/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
          "<ObjectSizeGreaterThan>500</ObjectSizeGreaterThan>"
          "<ObjectSizeLessThan>6000</ObjectSizeLessThan></And></Filter>") +
      lifecycle_rule("<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>"
                     "</AbortIncompleteMultipartUpload>",
                     "<Prefix>tmp/</Prefix>", "second"));
  const auto parsed = parse_lifecycle(xml, 1);
  ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
  EXPECT_EQ(parsed->rules[0].filter.tags.size(), 1U);
  EXPECT_EQ(parsed->rules[1].legacy_prefix, "tmp/");
  EXPECT_EQ(parsed->rules[1].abort_uploads_days, 7);
  const std::string written = render_lifecycle(*parsed);
  EXPECT_EQ(render_lifecycle(*parse_lifecycle(written, 2)), written);
}

TEST(LifecycleXml, names_rules_that_have_no_name) {
  const auto parsed =
      parse_lifecycle(wrap("<Rule><Status>Enabled</Status><Prefix/>" + expire(1) + "</Rule>" +
                           "<Rule><Status>Disabled</Status><Prefix/>" + expire(2) + "</Rule>"),
                      7);
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->rules[0].id.empty());
  EXPECT_NE(parsed->rules[0].id, parsed->rules[1].id);
}

TEST(LifecycleXml, refuses_what_the_schema_does_not_have) {
  EXPECT_EQ(lifecycle_reason(wrap("")), reason::kMalformedXml);
  EXPECT_EQ(
      lifecycle_reason(wrap("<Rule><Status>enabled</Status><Filter/>" + expire(1) + "</Rule>")),
      reason::kMalformedXml);
  EXPECT_EQ(lifecycle_reason(wrap("<Rule><Status>Enabled</Status>" + expire(1) + "</Rule>")),
            reason::kMalformedXml);
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(expire(1), "<Filter/><Prefix>a</Prefix>"))),
            reason::kMalformedXml);
  EXPECT_EQ(lifecycle_reason(
                wrap(lifecycle_rule("<Expiration><Days>1</Days>"
                                    "<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>"
                                    "</Expiration>"))),
            reason::kMalformedXml);
  EXPECT_EQ(
      lifecycle_reason(wrap(lifecycle_rule("<Expiration><Date>20200101</Date></Expiration>"))),
      reason::kMalformedXml);
  EXPECT_EQ(lifecycle_reason(
                wrap(lifecycle_rule("<Transition><Days>30</Days><StorageClass>WARM</StorageClass>"
                                    "</Transition>"))),
            reason::kMalformedXml);
  EXPECT_EQ(lifecycle_reason(
                wrap(lifecycle_rule(expire(1), "<Filter><And><Prefix>a</Prefix></And></Filter>"))),
            reason::kMalformedXml);
}

TEST(LifecycleXml, refuses_rules_that_make_no_sense_as_s3_does) {
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(expire(0)))), reason::kInvalidArgument);
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(expire(-1)))), reason::kInvalidArgument);
  EXPECT_EQ(lifecycle_reason(
                wrap(lifecycle_rule("<Expiration><Date>2026-01-01T12:00:00Z</Date></Expiration>"))),
            reason::kInvalidArgument);
  EXPECT_EQ(
      lifecycle_reason(wrap(lifecycle_rule("<Expiration><Date>2026-01-01</Date></Expiration>"))),
      "OK");
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(""))), reason::kInvalidRequest);
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(expire(1)) + lifecycle_rule(expire(2)))),
            reason::kInvalidArgument);
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(expire(1), "<Filter/>", std::string(256, 'x')))),
            reason::kInvalidArgument);
  const std::string warm =
      "<Transition><Days>29</Days><StorageClass>STANDARD_IA</StorageClass></Transition>";
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(warm))), reason::kInvalidArgument);
  const std::string cold =
      "<Transition><Days>5</Days><StorageClass>GLACIER</StorageClass></Transition>";
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(cold + expire(5)))), reason::kInvalidArgument);
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(cold + expire(6)))), "OK");
  EXPECT_EQ(
      lifecycle_reason(wrap(lifecycle_rule(cold + "<Expiration><Date>2026-01-01T00:00:00Z</Date>"
                                                  "</Expiration>"))),
      reason::kInvalidRequest);
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(cold + cold))), reason::kInvalidRequest);
  EXPECT_EQ(lifecycle_reason(wrap(lifecycle_rule(
                cold + "<Transition><Date>2030-01-01T00:00:00Z</Date><StorageClass>DEEP_ARCHIVE"
                       "</StorageClass></Transition>"))),
            reason::kInvalidRequest);
  const std::string abort =
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
      "</AbortIncompleteMultipartUpload>";
  EXPECT_EQ(lifecycle_reason(wrap(
                lifecycle_rule(abort, "<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>"))),
            reason::kInvalidRequest);
}

TEST(LifecycleXml, holds_a_thousand_rules) {
  const auto of = [](size_t count) {
    std::string rules;
    for (size_t i = 0; i < count; ++i)
      rules += lifecycle_rule(expire(1), "<Filter/>", std::to_string(i));
    return wrap(rules);
  };
  EXPECT_EQ(lifecycle_reason(of(kLifecycleRulesMax)), "OK");
  EXPECT_EQ(lifecycle_reason(of(kLifecycleRulesMax + 1)), reason::kMalformedXml);
}

VersionFacts object_of(std::string_view key, std::string_view modified) {
  VersionFacts facts;
  facts.key = key;
  facts.size_bytes = kMiB;
  facts.modified = at(modified);
  return facts;
}

TEST(LifecycleDue, days_end_at_the_midnight_after_them) {
  const auto config = parse(lifecycle_rule(expire(3)));
  const VersionFacts facts = object_of("a", "2026-01-15T10:30:00Z");
  const auto expiry = expiry_of(config, facts, kRealDay);
  ASSERT_TRUE(expiry.has_value());
  EXPECT_EQ(expiry->when, at("2026-01-19T00:00:00Z"));
  EXPECT_EQ(expiration_header(*expiry),
            "expiry-date=\"Mon, 19 Jan 2026 00:00:00 GMT\", rule-id=\"r\"");
  EXPECT_EQ(due_now(config, facts, at("2026-01-18T23:59:59Z"), kRealDay).action,
            DueAction::kNothing);
  EXPECT_EQ(due_now(config, facts, at("2026-01-19T00:00:00Z"), kRealDay).action,
            DueAction::kExpire);
}

TEST(LifecycleDue, days_can_be_seconds) {
  const auto config = parse(lifecycle_rule(expire(1)));
  const VersionFacts facts = object_of("a", "2026-01-15T10:30:01Z");
  EXPECT_EQ(expiry_of(config, facts, std::chrono::seconds(10))->when, at("2026-01-15T10:30:20Z"));
}

TEST(LifecycleDue, a_filter_chooses_by_prefix_tag_and_size) {
  const auto config = parse(lifecycle_rule(expire(1),
                                           "<Filter><And><Prefix>logs/</Prefix><Tag><Key>k</Key>"
                                           "<Value>v</Value></Tag><ObjectSizeGreaterThan>10"
                                           "</ObjectSizeGreaterThan><ObjectSizeLessThan>20"
                                           "</ObjectSizeLessThan></And></Filter>"));
  const std::vector<Tag> tags = {{"a", "b"}, {"k", "v"}};
  VersionFacts facts = object_of("logs/1", "2026-01-01T00:00:00Z");
  facts.size_bytes = 15;
  facts.tags = tags;
  const auto fits = [&] { return expiry_of(config, facts, kRealDay).has_value(); };
  EXPECT_TRUE(fits());
  facts.size_bytes = 10;
  EXPECT_FALSE(fits()) << "greater than means greater";
  facts.size_bytes = 20;
  EXPECT_FALSE(fits());
  facts.size_bytes = 15;
  facts.key = "log";
  EXPECT_FALSE(fits());
  facts.key = "logs/1";
  facts.tags = {};
  EXPECT_FALSE(fits());
}

TEST(LifecycleDue, a_disabled_rule_does_nothing) {
  const auto config =
      parse("<Rule><ID>r</ID><Status>Disabled</Status><Filter/>" + expire(1) + "</Rule>");
  EXPECT_FALSE(expiry_of(config, object_of("a", "2020-01-01T00:00:00Z"), kRealDay).has_value());
}

TEST(LifecycleDue, the_earlier_expiry_counts_and_deleting_wins_over_moving) {
  const auto config = parse(
      lifecycle_rule("<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>",
                     "<Filter/>", "move") +
      lifecycle_rule(expire(5), "<Filter/>", "five") +
      lifecycle_rule(expire(3), "<Filter/>", "three"));
  const VersionFacts facts = object_of("a", "2026-01-01T00:00:00Z");
  EXPECT_EQ(expiry_of(config, facts, kRealDay)->rule_id, "three");
  EXPECT_EQ(due_now(config, facts, at("2026-01-02T00:00:00Z"), kRealDay).action,
            DueAction::kTransition);
  EXPECT_EQ(due_now(config, facts, at("2026-01-04T00:00:00Z"), kRealDay).action,
            DueAction::kExpire);
}

TEST(LifecycleDue, objects_move_to_the_coldest_class_that_is_due_and_never_back) {
  const auto config = parse(lifecycle_rule(
      "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
      "<Transition><Days>60</Days><StorageClass>GLACIER</StorageClass></Transition>"));
  VersionFacts facts = object_of("a", "2026-01-01T00:00:00Z");
  const auto due = [&](std::string_view now) { return due_now(config, facts, at(now), kRealDay); };
  EXPECT_EQ(due("2026-02-01T00:00:00Z").storage_class, "STANDARD_IA");
  EXPECT_EQ(due("2026-04-01T00:00:00Z").storage_class, "GLACIER");
  facts.storage_class = "GLACIER";
  EXPECT_EQ(due("2026-04-01T00:00:00Z").action, DueAction::kNothing);
  facts.storage_class = {};
  facts.size_bytes = kTransitionBytesMin - 1;
  EXPECT_EQ(due("2026-04-01T00:00:00Z").action, DueAction::kNothing)
      << "small objects stay where they are";
}

TEST(LifecycleDue, noncurrent_versions_are_counted_and_aged_from_their_successor) {
  const auto config = parse(lifecycle_rule(
      "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays>"
      "<NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionExpiration>"));
  VersionFacts facts = object_of("a", "2020-01-01T00:00:00Z");
  facts.current = false;
  facts.noncurrent_since = at("2026-01-01T00:00:00Z");
  facts.newer_noncurrent_versions = 3;
  const auto action = [&](std::string_view now) {
    return due_now(config, facts, at(now), kRealDay).action;
  };
  EXPECT_EQ(action("2026-01-02T23:00:00Z"), DueAction::kNothing);
  EXPECT_EQ(action("2026-01-03T00:00:00Z"), DueAction::kDelete);
  facts.newer_noncurrent_versions = 2;
  EXPECT_EQ(action("2026-01-03T00:00:00Z"), DueAction::kNothing);
}

TEST(LifecycleDue, a_delete_marker_goes_when_nothing_is_behind_it) {
  const auto config = parse(lifecycle_rule(
      "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"));
  VersionFacts facts = object_of("a", "2026-01-01T00:00:00Z");
  facts.delete_marker = true;
  const auto action = [&] {
    return due_now(config, facts, at("2026-01-01T00:00:01Z"), kRealDay).action;
  };
  EXPECT_EQ(action(), DueAction::kNothing);
  facts.only_version = true;
  EXPECT_EQ(action(), DueAction::kRemoveMarker);
}

TEST(LifecycleDue, uploads_are_aborted_after_their_days) {
  const auto config = parse(
      lifecycle_rule("<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>"
                     "</AbortIncompleteMultipartUpload>",
                     "<Prefix>tmp/</Prefix>"));
  const Time started = at("2026-01-01T10:00:00Z");
  EXPECT_EQ(upload_abort_of(config, "tmp/a", started, kRealDay)->when, at("2026-01-09T00:00:00Z"));
  EXPECT_FALSE(upload_abort_of(config, "a", started, kRealDay).has_value());
}

}  // namespace
}  // namespace strata::settings
