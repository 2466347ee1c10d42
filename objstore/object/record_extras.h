// What a version carries besides its bytes and their description, as records keep it: a list of
// kinds with a value each. docs/object-format.md has the grammar.
#pragma once

#include <optional>

#include "common/base/result.h"
#include "objstore/object/record_io.h"
#include "objstore/object/types.h"
#include "objstore/replica/store.h"

namespace strata::object {

// Where a version stands among the others of its key.
struct VersionMarks {
  bool delete_marker = false;
  // Of a current version: the stamp of the version "null", if that one is kept and not current.
  std::optional<replica::Sequence> null_stamp;
};

// Nothing to write: the record has the form without a list.
[[nodiscard]] bool has_extras(const Extras& extras, const VersionMarks& marks) noexcept;
void write_extras(RecordWriter& out, const Extras& extras, const VersionMarks& marks);
// The reader fails on an empty list, kinds that are unknown or do not ascend, and values of another
// form than write_extras gives them. marks: null where such a record has none.
void read_extras(RecordReader& in, Extras& extras, VersionMarks* marks);

// What a caller hands in: kInvalidArgument/invalid_tag, kTooLarge for the rest.
[[nodiscard]] Status check_extras(const Extras& extras);

}  // namespace strata::object
