// The form of a PostObject: its fields, and its file as a stream.
//
// Source: Amazon S3 API reference, "POST Object" and "Browser-Based Uploads Using POST".
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/async/byte_source.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/http/form_data.h"

namespace strata::s3 {

// The fields before the file. Names in lower case, each once, values as sent.
class PostFields {
 public:
  // InvalidArgument for a second field of the name.
  [[nodiscard]] Status add(std::string name, std::string value);
  [[nodiscard]] const std::string* find(std::string_view lower_name) const noexcept;
  [[nodiscard]] std::string_view get(std::string_view lower_name) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// First read_fields(), once; then the file is pulled through next(), to its end. What follows the
// file in the form is read and ignored, as S3 does.
class PostForm final : public async::ByteSource {
 public:
  // raw: the request's body; it outlives the form.
  PostForm(async::ByteSource& raw, std::string_view boundary) : raw_(raw), decoder_(boundary) {}

  // MalformedPOSTRequest; MaxPostPreDataLengthExceeded; InvalidArgument when there is no file.
  [[nodiscard]] async::Task<Status> read_fields();
  [[nodiscard]] const PostFields& fields() const noexcept { return fields_; }
  // The last component of the file's name, as the browser gave it; may be empty.
  [[nodiscard]] const std::string& file_name() const noexcept { return file_name_; }

  // Bounds of the file's size, both included; before the first piece. EntityTooLarge and
  // EntityTooSmall end the stream.
  void limit_file(uint64_t bytes_min, uint64_t bytes_max) noexcept {
    bytes_min_ = bytes_min;
    bytes_max_ = bytes_max;
  }
  [[nodiscard]] async::Task<Result<Bytes>> next() override;

 private:
  using Event = http::FormDataDecoder::Event;
  [[nodiscard]] async::Task<Result<Event>> next_event();
  [[nodiscard]] async::Task<Status> read_value();

  async::ByteSource& raw_;
  http::FormDataDecoder decoder_;
  Bytes input_;
  PostFields fields_;
  std::string file_name_;
  size_t field_bytes_ = 0;
  uint64_t file_bytes_ = 0;
  uint64_t bytes_min_ = 0;
  uint64_t bytes_max_ = std::numeric_limits<uint64_t>::max();
  bool ended_ = false;
};

// The key that a form asks for: "${filename}" stands for the file's name.
[[nodiscard]] std::string key_of_form(std::string_view key, std::string_view file_name);

}  // namespace strata::s3
