#include "blockdev/nbd/meta_context.h"

#include "blockdev/nbd/negotiation.h"

namespace strata::nbd {
namespace {

constexpr std::string_view kBaseNamespace = "base:";

// Takes integers and strings off the front of an option's data.
class OptionReader {
 public:
  explicit OptionReader(Bytes data) noexcept : data_(data) {}
  [[nodiscard]] std::optional<uint32_t> number() noexcept {
    if (data_.size() < sizeof(uint32_t)) return std::nullopt;
    const auto value = load_big<uint32_t>(data_.data());
    data_ = data_.subspan(sizeof value);
    return value;
  }
  // A length (32) and that many bytes.
  [[nodiscard]] std::optional<std::string_view> text() noexcept {
    const std::optional<uint32_t> bytes = number();
    if (!bytes || *bytes > data_.size()) return std::nullopt;
    const std::string_view value = as_text(data_.first(*bytes));
    data_ = data_.subspan(*bytes);
    return value;
  }
  [[nodiscard]] bool at_end() const noexcept { return data_.empty(); }

 private:
  Bytes data_;
};

MetaContextParse refused_query(OptionReply error, std::string_view problem) noexcept {
  return {.query = std::nullopt, .error = error, .problem = problem};
}

}  // namespace

MetaContextParse parse_meta_context(Bytes data) noexcept {
  OptionReader reader(data);
  const auto name = reader.text();
  const auto count = name ? reader.number() : std::nullopt;
  if (!count)
    return refused_query(OptionReply::kErrorInvalid, "the name is longer than the option");
  if (name->size() > kExportNameBytesMax) {
    return refused_query(OptionReply::kErrorTooBig, "the export name is longer than 4096 bytes");
  }
  MetaContextQuery query{.export_name = *name, .any = *count > 0};
  // Each query takes bytes of the option, whose length is bounded: the count need not be.
  for (uint32_t i = 0; i < *count; ++i) {
    const auto text = reader.text();
    if (!text) {
      return refused_query(OptionReply::kErrorInvalid, "the number of queries is not what follows");
    }
    if (text->size() > kExportNameBytesMax) {
      return refused_query(OptionReply::kErrorTooBig, "a query is longer than 4096 bytes");
    }
    query.allocation = query.allocation || *text == kAllocationContext;
    query.base = query.base || *text == kBaseNamespace;
  }
  if (!reader.at_end()) {
    return refused_query(OptionReply::kErrorInvalid, "bytes follow the last query");
  }
  return {.query = query, .problem = {}};
}

}  // namespace strata::nbd
