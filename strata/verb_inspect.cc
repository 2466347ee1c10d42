#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/io/posix_file_system.h"
#include "strata/inspection.h"
#include "strata/json.h"
#include "strata/verbs.h"

namespace strata::roof {
namespace {

struct InspectArguments {
  InspectRequest request;
  bool json = false;
};

ExitCode run_inspect(const InspectArguments& arguments) {
  io::PosixFileSystem files;
  const Result<Inspection> inspection = inspect(files, arguments.request);
  if (!inspection.ok()) {
    std::cerr << "strata: " << inspection.error().message << "\n";
    return inspection.error().code == Code::kInvalidArgument ? ExitCode::kUsage : ExitCode::kFailed;
  }
  std::cout << (arguments.json ? dump_json(inspection_json(*inspection), 2) + "\n"
                               : inspection_text(*inspection));
  return inspection->damaged() ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace

void add_inspect_verb(CLI::App& program, VerbAction& chosen) {
  CLI::App* verb = program.add_subcommand(
      "inspect", "Decode any file of Strata's, or a whole drive, without a server");
  verb->footer(
      "Writes nothing and takes no lock: it may look at the drives of a running server.\n"
      "Exit status 1: something is damaged; the output says what and where.\n"
      "Examples:\n"
      "  strata inspect strata-data/drive1\n"
      "  strata inspect strata-data/drive1 --verify\n"
      "  strata inspect strata-data/drive1 --table rows --key photos/2024/ --limit 10\n"
      "  strata inspect strata-data/volumes/db");
  const auto arguments = std::make_shared<InspectArguments>();
  InspectRequest& request = arguments->request;
  verb->add_option("path", request.path, "A file, a drive, a volume or the data folder")
      ->type_name("PATH")
      ->required();
  verb->add_option("--table", request.table,
                   "List a drive's records: meta, rows, data, blobs, dropped, log, gone")
      ->type_name("TABLE");
  verb->add_option("--key", request.key,
                   "Only those that begin so: BUCKET/KEY of rows, hex of blobs, number of the log")
      ->type_name("TEXT");
  verb->add_option("--limit", request.limit, "Records listed at most")
      ->type_name("N")
      ->capture_default_str();
  verb->add_flag("--verify", request.verify, "Read a drive's blobs too, every block of them");
  verb->add_option("--cluster", request.cluster,
                   "Cluster of a blob's file that does not lie in its drive: without it, checksums "
                   "cannot be verified")
      ->type_name("HEX");
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_inspect(*arguments); }; });
}

}  // namespace strata::roof
