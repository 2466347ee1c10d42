// The folders of a catalogue on disk, and the changes to them that a crash cannot break.
//
//   ROOT/NAME/image          the volume's bytes, sparse; none of a volume on a block device
//   ROOT/NAME/metadata       docs/volume-format.md
//   ROOT/NAME/*              seeds, and what other rooms keep there
//   ROOT/.creating-ID/       a volume that is being made; undone at the next open
//   ROOT/.removing-ID/       a volume that is being removed; finished at the next open
//
// A volume exists exactly while ROOT/NAME exists: creation ends, and removal begins, with one
// rename that is flushed. Both are answered only after that flush.
//
// Thread rule: one change at a time; the catalogue sees to it.
#pragma once

#include <string>
#include <vector>

#include "blockdev/volume/metadata.h"
#include "blockdev/volume/volume_hooks.h"
#include "common/io/file_system.h"

namespace strata::volume {

class VolumeFolder {
 public:
  VolumeFolder(io::FileSystem& files, std::string root) : files_(files), root_(std::move(root)) {}

  [[nodiscard]] const std::string& root() const noexcept { return root_; }
  [[nodiscard]] std::string path(std::string_view name) const;
  [[nodiscard]] std::string image_path(std::string_view name) const;
  [[nodiscard]] std::string metadata_path(std::string_view name) const;

  // The volume is there, whole and for good, or it is not there.
  [[nodiscard]] Status create(const Metadata& metadata,
                              const std::vector<SeedFile>& seeds = {}) const;
  // The volume is gone for good when this returns; its space is given back before it returns,
  // or, if that fails, at the next open. An error means that it is still there.
  [[nodiscard]] Status remove(const Metadata& metadata) const;
  // Replaces the metadata of the volume; old or new after a crash.
  [[nodiscard]] Status store(const Metadata& metadata) const;
  // Both give the new metadata. The metadata says first what is going to happen, so that after a
  // crash the next open finishes it; after an error all is as before, if the disk still allows it.
  [[nodiscard]] Result<Metadata> grow(const Metadata& metadata, uint64_t size_bytes) const;
  [[nodiscard]] Result<Metadata> rename(const Metadata& metadata, const std::string& name) const;
  // Ends the change of one volume that a crash cut short; gives its metadata.
  [[nodiscard]] Result<Metadata> recover(const std::string& name) const { return open_one(name); }
  // Ends what a crash left half-done, then reads every volume's metadata. Folders and files that
  // are none of ours are left alone.
  [[nodiscard]] Result<std::vector<Metadata>> open_all() const;

 private:
  [[nodiscard]] Status fill(const std::string& folder, const Metadata& metadata,
                            const std::vector<SeedFile>& seeds) const;
  [[nodiscard]] Status remove_tree(const std::string& folder) const;
  [[nodiscard]] Result<Metadata> open_one(const std::string& name) const;
  // Ends the change that the metadata in the folder `name` says was under way.
  [[nodiscard]] Result<Metadata> finish_change(const std::string& name, Metadata metadata) const;
  [[nodiscard]] Status set_image_size(std::string_view name, uint64_t size_bytes) const;

  io::FileSystem& files_;
  const std::string root_;
};

}  // namespace strata::volume
