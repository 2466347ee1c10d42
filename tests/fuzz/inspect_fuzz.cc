// fuzz-deps: blockdev_volume blockdev_layers blockdev_device common_metrics objstore_object
// fuzz-deps: objstore_drive common_digest common_codec common_io common_base
//
// What `strata inspect` reads: identity files, blob files, records, rows, volume metadata. Whatever
// the bytes, they are described, and what is printed is one printable line. The first byte chooses.
#include <cstddef>
#include <cstdint>
#include <string>

#include "blockdev/volume/inspect.h"
#include "common/base/check.h"
#include "common/io/memory_file_system.h"
#include "objstore/drive/inspect.h"
#include "objstore/object/inspect.h"

namespace {

using namespace strata;

void check_printable(const Description& description) {
  for (const Description::Field& field : description.fields) {
    for (const char c : field.value) {
      CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a field is one printable line");
    }
  }
}

void describe_blob(std::string_view bytes) {
  io::MemoryFileSystem files;
  const std::string path = "/f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
  auto file = files.open(path, {.write = true, .create = true}).value();
  CHECK(file->write_at(0, as_bytes(bytes)).ok());
  // Whole pages, as the file of a blob has.
  CHECK(file->truncate(round_up(bytes.size(), 4096)).ok());
  for (const bool known : {false, true}) {
    const auto seed = known ? std::optional(drive::RecordSeed{42}) : std::nullopt;
    const auto out = drive::describe_blob_file(files, path, seed, std::nullopt);
    if (out.ok()) check_printable(*out);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view key = bytes.substr(0, bytes.size() / 2);
  const std::string_view value = bytes.substr(key.size());
  const size_t choice = data[0] % (4 + drive::kTables);
  if (choice == 0) {
    check_printable(drive::describe_identity(bytes));
  } else if (choice == 1) {
    describe_blob(bytes);
  } else if (choice == 2) {
    check_printable(object::describe_row(key, value));
  } else if (choice == 3) {
    check_printable(volume::describe_metadata(as_bytes(bytes)));
  } else {
    const auto table = static_cast<drive::Table>(choice - 4);
    check_printable(drive::describe_record({42}, table, key, value).description);
  }
  return 0;
}
