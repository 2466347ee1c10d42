#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "strata/control_keys.h"
#include "strata/json.h"
#include "strata/server_verb.h"
#include "strata/time_text.h"

namespace strata::roof {
namespace {

struct KeyArguments {
  std::string data;
  std::string name;
  bool json = false;
};
using SharedKeyArguments = std::shared_ptr<KeyArguments>;

constexpr const char* kKeyFooter =
    "The keys are in the file of --kms-key-file: keep a copy of it apart from the drives, a new "
    "one\n"
    "after each change. After a rotation new objects are encrypted under the new generation; "
    "older\n"
    "ones stay as they are and can be read as before. docs/encryption.md says more.\n"
    "Examples:\n"
    "  strata key list\n"
    "  strata key rotate aws/s3";

std::string key_text(const nlohmann::json& key) {
  return fmt::format("{:<32} {:>11}  {}  {}\n", key.value("name", ""),
                     key.value("generations", uint64_t{0}), key.value("generation", ""),
                     utc_time(key.value("created_ms", int64_t{0})));
}

std::string keys_text(const nlohmann::json& answer) {
  std::string out =
      fmt::format("{:<32} {:>11}  {:<16}  {}\n", "KEY", "GENERATIONS", "NEWEST", "MADE");
  for (const nlohmann::json& key : answer.value("keys", nlohmann::json::array())) {
    out += key_text(key);
  }
  return out;
}

ExitCode print_keys(const KeyArguments& arguments) {
  return ask_and_print(arguments.data, "GET", kKeysPath, "", arguments.json, keys_text);
}

ExitCode tell_key(const KeyArguments& arguments, const char* action) {
  const nlohmann::json request = {{"action", action}, {"name", arguments.name}};
  return ask_and_print(arguments.data, "POST", kKeysPath, dump_json(request), arguments.json,
                       [](const nlohmann::json& key) {
                         return fmt::format("key {}: generation {}, {} in all\n",
                                            key.value("name", ""), key.value("generation", ""),
                                            key.value("generations", uint64_t{0}));
                       });
}

ExitCode create_key(const KeyArguments& arguments) {
  return tell_key(arguments, "create");
}
ExitCode rotate_key(const KeyArguments& arguments) {
  return tell_key(arguments, "rotate");
}

void add_key_name(CLI::App& action, const SharedKeyArguments& arguments) {
  action.add_option("NAME", arguments->name, "Name of the key")->required();
  add_json_flag(action, arguments);
}

}  // namespace

void add_key_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("key", "List and renew the keys of encrypted objects");
  verb->require_subcommand(1);
  verb->footer(kKeyFooter);
  const auto arguments = std::make_shared<KeyArguments>();
  add_json_flag(*add_action(*verb, "list", "The keys and their newest generations", arguments,
                            chosen, print_keys),
                arguments);
  add_key_name(*add_action(*verb, "create", "Make a key that SSE-KMS can name", arguments, chosen,
                           create_key),
               arguments);
  add_key_name(*add_action(*verb, "rotate", "Make a new generation, which encrypts from now on",
                           arguments, chosen, rotate_key),
               arguments);
}

}  // namespace strata::roof
