// The two files of a drive's identity: read, written, compared.
#include <array>

#include "common/base/log.h"
#include "objstore/drive/identity.h"

namespace strata::drive {

namespace {

constexpr std::array<std::string_view, 2> kNames = {kIdentityName, kIdentityCopyName};

Result<std::string> read_text(io::FileSystem& files, const std::string& path,
                              std::string_view name) {
  TRY_ASSIGN(const ByteVector bytes,
             io::read_file(files, io::join_path(path, name), kIdentityBytesMax));
  return to_string(Bytes(bytes));
}

Status write_text(io::FileSystem& files, const std::string& path, std::string_view name,
                  const std::string& text) {
  return io::write_file_atomic(files, io::join_path(path, name), as_bytes(text));
}

}  // namespace

Result<Identity> read_identity(io::FileSystem& files, const std::string& path) {
  const auto text = read_text(files, path, kIdentityName);
  Result<Identity> first = text.ok() ? parse_identity(*text) : Result<Identity>(text.error());
  if (first.ok()) return first;
  // Of a newer format, and as it was written: not ours to touch. Else a bit of the number may have
  // changed.
  if (first.error().code == Code::kUnsupported && identity_checksum_holds(*text)) return first;
  const auto copy_text = read_text(files, path, kIdentityCopyName);
  if (!copy_text.ok()) return first;
  auto copy = parse_identity(*copy_text);
  if (!copy.ok()) return first.error().code == Code::kNotFound ? copy : first;
  log::warning("drive.identity",
               {{"path", path}, {"error", first.error().message}, {"read", kIdentityCopyName}});
  return copy;
}

Status write_identity(io::FileSystem& files, const std::string& path, const Identity& identity) {
  const std::string text = render_identity(identity);
  for (const std::string_view name : kNames) TRY(write_text(files, path, name, text));
  return {};
}

Result<uint32_t> repair_identity(io::FileSystem& files, const std::string& path,
                                 const Identity& identity) {
  const std::string text = render_identity(identity);
  uint32_t damaged = 0;
  for (const std::string_view name : kNames) {
    const auto there = read_text(files, path, name);
    if (there.ok() && *there == text) continue;
    // Missing, or of an earlier layout: left so by an older program, or by a cut of the power.
    const bool whole = there.ok()
                           ? parse_identity(*there).ok()
                           : name == kIdentityCopyName && there.error().code == Code::kNotFound;
    if (!whole) {
      ++damaged;
      log::error("corrupt", {{"drive", path}, {"file", name}});
    }
    TRY(write_text(files, path, name, text));
  }
  return damaged;
}

}  // namespace strata::drive
