#include "objstore/s3/post_form.h"

#include "common/base/parse.h"
#include "objstore/s3/errors.h"
#include "objstore/s3/limits.h"

namespace strata::s3 {

namespace {

using http::FormDataDecoder;

Error malformed() {
  return {Code::kInvalidArgument, code::kMalformedPost,
          "The body of your POST request is not well-formed multipart/form-data."};
}

// The decoder's errors tell of the wire; S3 has one code for all of them.
Error as_s3_error(const Error& error) {
  if (error.code == Code::kInvalidArgument || error.code == Code::kTooLarge) return malformed();
  return error;
}

std::string base_name(std::string_view path) {
  const size_t slash = path.find_last_of("/\\");
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace

Status PostFields::add(std::string name, std::string value) {
  if (find(name) != nullptr) {
    return Error(Code::kInvalidArgument, code::kInvalidArgument,
                 "The form has more than one field named '" + name + "'.");
  }
  fields_.emplace_back(std::move(name), std::move(value));
  return {};
}

const std::string* PostFields::find(std::string_view lower_name) const noexcept {
  for (const auto& [name, value] : fields_) {
    if (name == lower_name) return &value;
  }
  return nullptr;
}

std::string_view PostFields::get(std::string_view lower_name) const noexcept {
  const std::string* value = find(lower_name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

async::Task<Result<PostForm::Event>> PostForm::next_event() {
  for (;;) {
    Result<Event> event = decoder_.next(input_);
    if (!event.ok()) co_return as_s3_error(event.error());
    if (event->type != FormDataDecoder::EventType::kNeedMore) co_return std::move(event);
    CO_TRY_ASSIGN(input_, co_await raw_.next());
    if (input_.empty()) co_return malformed();
  }
}

async::Task<Status> PostForm::read_value() {
  std::string name = ascii_lower(decoder_.part().name);
  field_bytes_ += name.size();
  std::string value;
  for (;;) {
    CO_TRY_ASSIGN(const Event event, co_await next_event());
    if (event.type == FormDataDecoder::EventType::kPartEnd) break;
    field_bytes_ += event.data.size();
    if (field_bytes_ > kPostFieldsBytesMax) {
      co_return Error(Code::kTooLarge, code::kMaxPostPreDataLengthExceeded,
                      "Your POST request fields preceding the upload file were too large.");
    }
    value += as_text(event.data);
  }
  co_return fields_.add(std::move(name), std::move(value));
}

async::Task<Status> PostForm::read_fields() {
  for (;;) {
    CO_TRY_ASSIGN(const Event event, co_await next_event());
    if (event.type == FormDataDecoder::EventType::kEnd) {
      co_return Error(Code::kInvalidArgument, code::kInvalidArgument,
                      "POST requires exactly one file upload per request.");
    }
    if (event.type != FormDataDecoder::EventType::kPart) continue;
    if (ascii_iequals(decoder_.part().name, "file")) {
      file_name_ = base_name(decoder_.part().filename.value_or(std::string()));
      co_return Status();
    }
    CO_TRY(co_await read_value());
  }
}

async::Task<Result<Bytes>> PostForm::next() {
  if (ended_) co_return Bytes();
  CO_TRY_ASSIGN(const Event event, co_await next_event());
  if (event.type == FormDataDecoder::EventType::kData) {
    file_bytes_ += event.data.size();
    if (file_bytes_ > bytes_max_) {
      co_return Error(Code::kTooLarge, code::kEntityTooLarge,
                      "Your proposed upload exceeds the maximum allowed size");
    }
    co_return event.data;
  }
  ended_ = true;
  if (file_bytes_ < bytes_min_) {
    co_return Error(Code::kInvalidArgument, code::kEntityTooSmall,
                    "Your proposed upload is smaller than the minimum allowed size");
  }
  // The form itself must be whole; a body cut off right behind the file is no upload.
  for (;;) {
    CO_TRY_ASSIGN(const Event rest, co_await next_event());
    if (rest.type == FormDataDecoder::EventType::kEnd) break;
  }
  for (;;) {
    CO_TRY_ASSIGN(const Bytes ignored, co_await raw_.next());
    if (ignored.empty()) co_return Bytes();
  }
}

std::string key_of_form(std::string_view key, std::string_view file_name) {
  static constexpr std::string_view kVariable = "${filename}";
  std::string out;
  for (;;) {
    const size_t at = key.find(kVariable);
    out += key.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += file_name;
    key.remove_prefix(at + kVariable.size());
  }
}

}  // namespace strata::s3
