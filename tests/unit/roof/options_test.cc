#include "strata/options.h"

#include <gtest/gtest.h>

#include <map>

#include "common/base/bytes.h"

namespace strata::roof {
namespace {

size_t option(std::string_view key) {
  const auto found = find_option_by_key(key);
  EXPECT_TRUE(found.has_value()) << key;
  return found.value_or(0);
}

void read_variables(OptionValues& values, const std::map<std::string, std::string>& variables) {
  values.read_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string error_of(const OptionValues& values) {
  const Result<ServeOptions> options = values.resolve();
  return options.ok() ? std::string("no error") : options.error().message;
}

TEST(Options, defaults_serve_loopback_with_three_drives_in_the_data_folder) {
  const Result<ServeOptions> options = OptionValues().resolve();
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->data, "./strata-data");
  EXPECT_EQ(options->drives,
            (std::vector<std::string>{"./strata-data/drive1", "./strata-data/drive2",
                                      "./strata-data/drive3"}));
  EXPECT_EQ(options->replicas, 3U);
  EXPECT_EQ(options->s3->to_string(), "127.0.0.1:9000");
  EXPECT_EQ(options->admin->to_string(), "127.0.0.1:9001");
  EXPECT_EQ(options->nbd->to_string(), "127.0.0.1:10809");
  EXPECT_EQ(*options->nbd_socket, "./strata-data/nbd.sock");
  EXPECT_GE(options->threads, 1U);
  EXPECT_LE(options->threads, 4U);
  EXPECT_TRUE(options->only_loopback());
}

TEST(Options, the_command_line_wins_over_the_environment_over_the_file) {
  OptionValues values;
  ASSERT_TRUE(
      read_toml("region = 'file-1'\ns3 = '127.0.0.1:1'\nadmin = '127.0.0.1:2'\n", "a.toml", values)
          .ok());
  values.set(option("s3"), Layer::kCommandLine, {"127.0.0.1:11"});
  read_variables(values, {{"STRATA_S3", "127.0.0.1:21"}, {"STRATA_ADMIN", "127.0.0.1:22"}});
  const Result<ServeOptions> options = values.resolve();
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->s3->port, 11);
  EXPECT_EQ(options->admin->port, 22);
  EXPECT_EQ(options->region, "file-1");
}

TEST(Options, a_list_of_a_higher_layer_replaces_the_lower_one_whole) {
  OptionValues values;
  ASSERT_TRUE(read_toml("drive = ['/a', '/b', '/c']\n", "a.toml", values).ok());
  read_variables(values, {{"STRATA_DRIVE", "/x, /y"}});
  const Result<ServeOptions> options = values.resolve();
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->drives, (std::vector<std::string>{"/x", "/y"}));
  EXPECT_EQ(options->replicas, 2U);
}

TEST(Options, an_empty_variable_is_as_if_it_were_not_set) {
  OptionValues values;
  read_variables(values, {{"STRATA_DATA", ""}});
  EXPECT_EQ(values.resolve()->data, "./strata-data");
}

TEST(Options, a_listener_can_be_switched_off) {
  OptionValues values;
  for (const char* key : {"s3", "admin", "nbd", "nbd_socket"}) {
    values.set(option(key), Layer::kCommandLine, {"off"});
  }
  const Result<ServeOptions> options = values.resolve();
  ASSERT_TRUE(options.ok());
  EXPECT_FALSE(options->s3 || options->admin || options->nbd || options->nbd_socket);
}

TEST(Options, buckets_and_volumes_come_as_lists) {
  OptionValues values;
  read_variables(values, {{"STRATA_BUCKETS", "a, b,,"}, {"STRATA_VOLUMES", "db:10G,log:512M"}});
  const Result<ServeOptions> options = values.resolve();
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->buckets, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(options->volumes.size(), 2U);
  EXPECT_EQ(options->volumes[0].name, "db");
  EXPECT_EQ(options->volumes[0].size_bytes, 10 * kGiB);
}

TEST(Options, errors_name_where_the_bad_value_came_from) {
  OptionValues values;
  read_variables(values, {{"STRATA_S3", "nonsense"}});
  EXPECT_NE(error_of(values).find("STRATA_S3: 'nonsense'"), std::string::npos) << error_of(values);
  values.set(option("s3"), Layer::kCommandLine, {"worse"});
  EXPECT_NE(error_of(values).find("--s3: 'worse'"), std::string::npos) << error_of(values);
}

TEST(Options, bad_values_are_refused) {
  const std::vector<std::pair<const char*, std::string>> bad = {
      {"replicas", "0"},
      {"replicas", "4"},
      {"replicas", "-1"},
      {"threads", "0"},
      {"threads", "65"},
      {"threads", "two"},
      {"log_level", "loud"},
      {"log_format", "xml"},
      {"region", "US EAST"},
      {"s3", "127.0.0.1"},
      {"volumes", "db"},
      {"volumes", ":10G"},
      {"volumes", "db:lots"},
      {"root_user", "ab"},
      {"root_user", "a/b/c"},
      {"root_password", "short"},
      {"data", std::string(5000, 'x')},
  };
  for (const auto& [key, value] : bad) {
    OptionValues values;
    values.set(option(key), Layer::kCommandLine, {value});
    EXPECT_FALSE(values.resolve().ok()) << key << " = " << value;
  }
}

TEST(Options, one_drive_named_twice_is_refused) {
  OptionValues values;
  values.set(option("drive"), Layer::kCommandLine, {"/a", "/a"});
  EXPECT_NE(error_of(values).find("named twice"), std::string::npos);
}

TEST(Options, an_address_of_another_machine_is_not_loopback) {
  for (const char* key : {"s3", "admin", "nbd"}) {
    OptionValues values;
    values.set(option(key), Layer::kCommandLine, {"0.0.0.0:9"});
    EXPECT_FALSE(values.resolve()->only_loopback()) << key;
  }
}

TEST(Toml, an_unknown_key_is_named_with_its_line) {
  OptionValues values;
  const Status read = read_toml("region = 'a'\nspeed = 'high'\n", "my.toml", values);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("my.toml, line 2"), std::string::npos)
      << read.error().message;
  EXPECT_NE(read.error().message.find("'speed'"), std::string::npos) << read.error().message;
}

TEST(Toml, a_value_of_the_wrong_type_names_its_key) {
  for (const char* text : {"s3 = true", "s3 = ['a']", "drive = [1.5]", "region = { a = 1 }"}) {
    OptionValues values;
    const Status read = read_toml(text, "my.toml", values);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_NE(read.error().message.find("must be"), std::string::npos) << read.error().message;
  }
}

TEST(Toml, bad_syntax_names_the_line) {
  OptionValues values;
  const Status read = read_toml("region = 'a'\ns3 = = 1\n", "my.toml", values);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("line 2"), std::string::npos) << read.error().message;
}

TEST(Toml, numbers_are_taken_where_the_command_line_takes_digits) {
  OptionValues values;
  ASSERT_TRUE(read_toml("replicas = 1\nthreads = 2\n", "my.toml", values).ok());
  const Result<ServeOptions> options = values.resolve();
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->replicas, 1U);
  EXPECT_EQ(options->threads, 2U);
}

TEST(Toml, a_file_that_is_too_large_or_too_deep_is_refused) {
  OptionValues values;
  EXPECT_FALSE(read_toml(std::string(kConfigBytesMax + 1, '#'), "my.toml", values).ok());
  EXPECT_FALSE(read_toml("drive = " + std::string(10'000, '['), "my.toml", values).ok());
}

nbd::TlsMode mode_of(const std::map<std::string, std::string>& variables) {
  OptionValues values;
  read_variables(values, variables);
  const Result<ServeOptions> options = values.resolve();
  EXPECT_TRUE(options.ok()) << options.error().message;
  return options.ok() ? options->nbd_tls : nbd::TlsMode::kOff;
}

TEST(Options, tls_of_nbd_is_as_strict_as_its_files_ask_for) {
  using nbd::TlsMode;
  EXPECT_EQ(mode_of({}), TlsMode::kOff);
  EXPECT_EQ(mode_of({{"STRATA_TLS_CERT", "c"}, {"STRATA_TLS_KEY", "k"}}), TlsMode::kOptional);
  std::map<std::string, std::string> own = {{"STRATA_NBD_TLS_CERT", "c"},
                                            {"STRATA_NBD_TLS_KEY", "k"}};
  EXPECT_EQ(mode_of(own), TlsMode::kOptional);
  own["STRATA_NBD_TLS_CLIENT_CA"] = "ca";
  EXPECT_EQ(mode_of(own), TlsMode::kRequired);
  own["STRATA_NBD_TLS_PSK"] = "keys";
  EXPECT_EQ(mode_of(own), TlsMode::kRequired);
  own["STRATA_NBD_TLS"] = "off";
  EXPECT_EQ(mode_of(own), TlsMode::kOff);
  EXPECT_EQ(mode_of({{"STRATA_NBD_TLS_PSK", "keys"}}), TlsMode::kRequired);
}

TEST(Options, keys_of_nbd_do_not_take_the_certificate_of_s3) {
  OptionValues values;
  read_variables(
      values, {{"STRATA_TLS_CERT", "c"}, {"STRATA_TLS_KEY", "k"}, {"STRATA_NBD_TLS_PSK", "keys"}});
  const ServeOptions options = values.resolve().value();
  EXPECT_EQ(options.nbd_tls_files.certificate, "");
  EXPECT_EQ(options.nbd_tls_files.psk, "keys");
}

TEST(Options, tls_of_nbd_that_would_not_hold_is_refused) {
  const std::pair<std::map<std::string, std::string>, std::string_view> wrong[] = {
      {{{"STRATA_NBD_TLS", "required"}}, "needs --nbd-tls-cert"},
      {{{"STRATA_NBD_TLS", "on"}}, "none of off, optional, required"},
      {{{"STRATA_NBD_TLS_CERT", "c"}}, "both"},
      {{{"STRATA_NBD_TLS_CLIENT_CA", "ca"}}, "certificate of the server"},
      {{{"STRATA_NBD_TLS_CERT", "c"}, {"STRATA_NBD_TLS_KEY", "k"}, {"STRATA_NBD_TLS_PSK", "p"}},
       "without a key could connect"},
  };
  for (const auto& [variables, word] : wrong) {
    OptionValues values;
    read_variables(values, variables);
    EXPECT_NE(error_of(values).find(word), std::string::npos) << error_of(values);
  }
}

TEST(Options, durability_is_strict_unless_it_is_relaxed_by_name) {
  EXPECT_FALSE(OptionValues().resolve()->relaxed);
  for (const auto& [text, relaxed] : {std::pair("strict", false), std::pair("relaxed", true)}) {
    OptionValues values;
    read_variables(values, {{"STRATA_DURABILITY", text}});
    EXPECT_EQ(values.resolve()->relaxed, relaxed);
  }
  OptionValues bad;
  read_variables(bad, {{"STRATA_DURABILITY", "fast"}});
  EXPECT_NE(error_of(bad).find("neither strict nor relaxed"), std::string::npos) << error_of(bad);
}

TEST(Options, limits_of_nbd_are_numbers_within_reason) {
  OptionValues values;
  read_variables(values, {{"STRATA_NBD_EXPORT_CONNECTIONS", "4"},
                          {"STRATA_NBD_MEMORY", "256M"},
                          {"STRATA_VOLUME_CACHE", "page"},
                          {"STRATA_MEMORY_VOLUMES", "ram:64M"}});
  const ServeOptions options = values.resolve().value();
  EXPECT_EQ(options.nbd_connections, 256U);
  EXPECT_EQ(options.nbd_export_connections, 4U);
  EXPECT_EQ(options.nbd_memory_bytes, 256 * kMiB);
  EXPECT_EQ(options.nbd_export_memory_bytes, 0U);
  EXPECT_FALSE(options.volumes_direct);
  EXPECT_EQ(options.memory_volumes.front().size_bytes, 64 * kMiB);
  const std::pair<std::string, std::string> wrong[] = {{"STRATA_NBD_CONNECTIONS", "0"},
                                                       {"STRATA_NBD_EXPORT_MEMORY", "1M"},
                                                       {"STRATA_VOLUME_CACHE", "none"}};
  for (const auto& [name, value] : wrong) {
    OptionValues bad;
    read_variables(bad, {{name, value}});
    EXPECT_NE(error_of(bad).find(name), std::string::npos) << error_of(bad);
  }
}

}  // namespace
}  // namespace strata::roof
