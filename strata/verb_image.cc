// strata volume import and export: whole images, raw or qcow2, from and to files; import from URLs
// too. qemu-img converts, over the server's own NBD socket.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/bytes.h"
#include "common/base/parse.h"
#include "common/io/posix_file_system.h"
#include "strata/command.h"
#include "strata/control_client.h"
#include "strata/json.h"
#include "strata/nbd_uri.h"
#include "strata/server_verb.h"
#include "strata/verb_volume.h"

namespace strata::roof {
namespace {

constexpr std::chrono::hours kCopyTime{24};

bool is_url(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

// A file that is gone when the verb ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  const std::string path_;
};

struct ImageFacts {
  std::string format;
  uint64_t bytes = 0;  // as a disk
};

Result<ImageFacts> examine(const std::string& path, const std::string& format) {
  std::vector<std::string> command = {"qemu-img", "info", "--output=json"};
  if (format != "auto") command.insert(command.end(), {"-f", format});
  command.push_back(path);
  TRY_ASSIGN(const std::string text, run_or_fail(command));
  TRY_ASSIGN(const nlohmann::json facts, parse_json(text, kJsonBytesMax));
  ImageFacts out;
  TRY_ASSIGN(out.format, json_string(facts, "format"));
  TRY_ASSIGN(out.bytes, json_u64(facts, "virtual-size"));
  if (out.format != "raw" && out.format != "qcow2") {
    return Error(
        Code::kUnsupported,
        fmt::format("{} is a {} image; convert it to raw or qcow2 first", path, out.format));
  }
  // An image that names other files could read any file of the server's user.
  if (facts.contains("backing-filename") || text.find("\"data-file\"") != std::string::npos) {
    return Error(Code::kUnsupported,
                 fmt::format("{} needs another file (its backing or data file); flatten it first: "
                             "qemu-img convert -O qcow2 {} flat.qcow2",
                             path, path));
  }
  return out;
}

Status import_file(const VolumeArguments& arguments, const std::string& path) {
  const std::string data = find_data_folder(arguments.data);
  TRY_ASSIGN(const ImageFacts image, examine(path, arguments.format));
  uint64_t size = round_up(std::max<uint64_t>(image.bytes, 4096), 4096);
  if (!arguments.size.empty()) {
    TRY_ASSIGN(const uint64_t wanted, parse_size(arguments.size));
    if (wanted < size) {
      return Error(Code::kInvalidArgument,
                   fmt::format("the image needs {}, more than --size says", format_size(size)));
    }
    size = wanted;
  }
  TRY_ASSIGN(const nlohmann::json taken_check, ask_server(data, "GET", "/v1/volumes", ""));
  for (const nlohmann::json& one : taken_check.value("volumes", nlohmann::json::array())) {
    if (one.value("name", "") == arguments.name) {
      return Error(Code::kAlreadyExists,
                   fmt::format("the volume '{}' exists already", arguments.name));
    }
  }
  // Under another name until it is whole: a volume of the wanted name is never half an image.
  const std::string partial = fmt::format("importing-{}", getpid());
  TRY_ASSIGN(const nlohmann::json made,
             ask_server(data, "POST", "/v1/volumes",
                        dump_json({{"name", partial}, {"size_bytes", size}})));
  const auto fill = [&]() -> Status {
    TRY_ASSIGN(const std::string uri, nbd_uri(data, partial));
    // -n: the volume is there. It is full of zeroes, so zeroes need not be written. The last block
    // of an image may be cut short, so the target is said to be at least as large.
    TRY(run_or_fail({"qemu-img", "convert", "-n", "--target-is-zero", "-f", image.format, "-O",
                     "raw", path, uri},
                    kCopyTime));
    TRY(ask_server(data, "POST", volume_target(partial) + "/rename",
                   dump_json({{"to", arguments.name}})));
    return {};
  };
  Status filled = fill();
  if (!filled.ok()) (void)ask_server(data, "DELETE", volume_target(partial), "");
  return filled;
}

ExitCode import_volume(const VolumeArguments& arguments) {
  const Status done = import_image(arguments, arguments.other);
  if (!done.ok()) return report(done.error());
  std::cout << fmt::format("volume {} is imported from {}\n", arguments.name, arguments.other);
  return ExitCode::kOk;
}

Status export_to_file(const VolumeArguments& arguments) {
  const std::string data = find_data_folder(arguments.data);
  TRY_ASSIGN(const nlohmann::json volume,
             ask_server(data, "GET", volume_target(arguments.name), ""));
  if (const std::string writer = volume.value("writer", ""); !writer.empty() && !arguments.in_use) {
    return Error(Code::kConflict,
                 fmt::format("the volume '{}' is in use for writing by {}: the copy would be of no "
                             "one moment. Disconnect it, or say --while-in-use",
                             arguments.name, writer));
  }
  if (std::filesystem::exists(arguments.other)) {
    return Error(Code::kAlreadyExists, fmt::format("{} exists already", arguments.other));
  }
  TRY_ASSIGN(const std::string uri, nbd_uri(data, arguments.name + ":ro"));
  const TemporaryFile part(arguments.other + ".part");
  TRY(run_or_fail({"qemu-img", "convert", "-f", "raw", "-O",
                   arguments.format == "auto" ? "raw" : arguments.format, uri, part.path()},
                  kCopyTime));
  io::PosixFileSystem files;
  {
    TRY_ASSIGN(auto made, files.open(part.path(), {.write = true}));
    TRY(made->sync());
  }
  TRY(files.rename(part.path(), arguments.other));
  return files.sync_directory(io::parent_path(arguments.other));
}

ExitCode export_volume(const VolumeArguments& arguments) {
  if (arguments.other.empty() == arguments.vhost_user.empty()) {
    return report(Error(Code::kInvalidArgument,
                        "say where to: a FILE to make, or --vhost-user PATH for a machine's disk"));
  }
  if (!arguments.vhost_user.empty()) return export_vhost_user(arguments);
  const Status done = export_to_file(arguments);
  if (!done.ok()) return report(done.error());
  std::cout << fmt::format("volume {} is exported to {}\n", arguments.name, arguments.other);
  return ExitCode::kOk;
}

}  // namespace

Status import_image(const VolumeArguments& arguments, const std::string& source) {
  if (!is_url(source)) return import_file(arguments, source);
  const std::string data = find_data_folder(arguments.data);
  const TemporaryFile file(fmt::format("{}/download-{}", data, getpid()));
  TRY(run_or_fail({"curl", "--fail", "--location", "--silent", "--show-error", "--proto",
                   "=http,https", "--output", file.path(), source},
                  kCopyTime));
  return import_file(arguments, file.path());
}

void add_image_actions(CLI::App& verb, const SharedVolumeArguments& arguments, VerbAction& chosen) {
  const auto formats = CLI::IsMember({"auto", "raw", "qcow2"});
  arguments->format = "auto";
  CLI::App* import =
      add_action(verb, "import", "Make a volume from an image", arguments, chosen, import_volume);
  add_volume_name(*import, arguments);
  import->add_option("SOURCE", arguments->other, "A file, or a URL (http, https)")->required();
  import->add_option("--format", arguments->format, "raw, qcow2, or auto: as it looks")
      ->check(formats);
  import->add_option("--size", arguments->size, "Size of the volume, if larger than the image's");
  CLI::App* out =
      add_action(verb, "export", "Copy a volume to a new image file, or make it a machine's disk",
                 arguments, chosen, export_volume);
  add_volume_name(*out, arguments);
  out->add_option("FILE", arguments->other, "The file to make");
  out->add_option("--format", arguments->format, "raw (as auto) or qcow2")->check(formats);
  out->add_flag("--while-in-use", arguments->in_use, "Also while somebody writes to the volume");
  out->add_option("--vhost-user", arguments->vhost_user,
                  "Instead of a file: serve it to a virtual machine at this socket")
      ->type_name("PATH");
  out->add_option("--queues", arguments->queues,
                  "vhost-user: at most so many queues, 1 to 16 (16)");
  out->add_flag("--read-only", arguments->read_only, "vhost-user: for reading; many may");
}

}  // namespace strata::roof
