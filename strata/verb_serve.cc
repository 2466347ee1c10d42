#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "common/base/log.h"
#include "common/io/posix_file_system.h"
#include "strata/credentials.h"
#include "strata/house.h"
#include "strata/options.h"
#include "strata/process.h"
#include "strata/verbs.h"

namespace strata::roof {
namespace {

// Requests under way when a stop is asked for get this long; then they are broken off.
constexpr std::chrono::seconds kDrainTime{25};
// And this is when the process ends whatever is still not done.
constexpr std::chrono::seconds kStopBound{30};

constexpr const char* kServeFooter =
    "Every option but --config is also a key of the TOML file and a STRATA_* variable; the "
    "command\n"
    "line wins over the environment, the environment over the file. docs/configuration.md has the\n"
    "table. Credentials come from STRATA_ROOT_USER and STRATA_ROOT_PASSWORD.\n"
    "Examples:\n"
    "  strata serve\n"
    "  strata serve --drive /disk1/strata --drive /disk2/strata --replicas 2\n"
    "  strata serve --config /etc/strata.toml --log-format json\n"
    "  STRATA_BUCKETS=photos STRATA_VOLUMES=db:10G strata serve --data /srv/strata";

struct ServeArguments {
  std::string config;
  std::array<std::vector<std::string>, kOptionCount> values;
};

// The table is written for Markdown; a terminal needs no backticks.
std::string plain_text(std::string_view markdown) {
  std::string out(markdown);
  std::erase(out, '`');
  return out;
}

const char* get_variable(const char* name) {
  return std::getenv(name);
}

Result<ServeOptions> gather_options(const ServeArguments& arguments) {
  OptionValues values;
  std::string config = arguments.config;
  if (config.empty()) {
    const char* variable = get_variable("STRATA_CONFIG");
    if (variable != nullptr) config = variable;
  }
  if (!config.empty()) {
    io::PosixFileSystem files;
    const Result<ByteVector> text = read_file(files, config, kConfigBytesMax);
    if (!text.ok()) return text.error().with_context("cannot read the configuration file");
    TRY(read_toml(as_text(*text), config, values));
  }
  values.read_environment(get_variable);
  for (size_t i = 0; i < arguments.values.size(); ++i) {
    if (arguments.values.at(i).empty()) continue;
    std::vector<std::string> given;
    for (const std::string& value : arguments.values.at(i)) {
      // --buckets a,b and --buckets a --buckets b mean the same; a folder may have a comma.
      if (option_table()[i].list && option_table()[i].name != "drive") {
        for (std::string& item : split_list(value)) given.push_back(std::move(item));
      } else {
        given.push_back(value);
      }
    }
    values.set(i, Layer::kCommandLine, std::move(given));
  }
  return values.resolve();
}

ExitCode fail(const Error& error, ExitCode code) {
  std::cerr << "strata: " << error.message << '\n';
  return code;
}

void warn_about_reach(const ServeOptions& options) {
  if (options.nbd && !options.nbd->is_loopback()) {
    log::warning("nbd.reachable", {{"address", options.nbd->to_string()},
                                   {"note",
                                    "NBD has no authentication: whoever reaches this "
                                    "address can read and write every volume"}});
  }
}

ExitCode serve(const ServeArguments& arguments) {
  const Result<ServeOptions> options = gather_options(arguments);
  if (!options.ok()) return fail(options.error(), ExitCode::kUsage);
  log::start(options->log_level, options->log_format);
  const Result<Credentials> credentials = choose_credentials(*options, get_variable);
  if (!credentials.ok()) return fail(credentials.error(), ExitCode::kUsage);
  const Result<uint64_t> descriptors = prepare_process();
  if (!descriptors.ok()) return fail(descriptors.error(), ExitCode::kFailed);
  bound_allocator_memory();
  StopSignals signals;
  warn_about_reach(*options);

  Result<std::unique_ptr<House>> house = House::start(*options, *credentials);
  if (!house.ok()) {
    const bool in_use = house.error().reason == kDataInUseReason;
    return fail(house.error(), in_use ? ExitCode::kDataInUse : ExitCode::kFailed);
  }
  BannerFacts facts = (*house)->facts();
  facts.program = program_called_as();
  std::cout << banner(facts) << std::flush;
  log::info("server.ready", {{"data", options->data},
                             {"ms", (*house)->status().ready_ms},
                             {"descriptors", *descriptors}});
  release_free_memory();

  const int signal = signals.wait();
  log::info("server.stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  signals.exit_hard_after(kStopBound);
  (*house)->stop(Deadline::after(kDrainTime));
  house->reset();
  log::info("server.stopped");
  return ExitCode::kOk;
}

}  // namespace

void add_serve_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand("serve", "Run the server until SIGTERM or SIGINT");
  verb->footer(kServeFooter);
  const auto arguments = std::make_shared<ServeArguments>();
  verb->add_option("--config", arguments->config, "TOML file with options (or STRATA_CONFIG)")
      ->type_name("FILE");
  for (size_t i = 0; i < option_table().size(); ++i) {
    const OptionSpec& spec = option_table()[i];
    if (!spec.on_command_line) continue;
    const std::string_view fallback =
        spec.default_note.empty() ? spec.default_value : spec.default_note;
    CLI::Option* option = verb->add_option(
        fmt::format("--{}", spec.name), arguments->values.at(i),
        fmt::format("{} (default: {})", plain_text(spec.help), plain_text(fallback)));
    option->type_name(std::string(spec.value_name))->allow_extra_args(false);
    if (!spec.list) option->expected(1);
  }
  verb->callback([&chosen, arguments] { chosen = [arguments] { return serve(*arguments); }; });
}

}  // namespace strata::roof
