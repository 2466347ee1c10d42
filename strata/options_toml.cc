#include <fmt/format.h>

#include <toml++/toml.h>

#include "strata/options.h"

namespace strata::roof {
namespace {

Error bad_entry(std::string_view file, const toml::source_region& where, std::string text) {
  return Error(Code::kInvalidArgument,
               fmt::format("{}, line {}: {}", file, where.begin.line, std::move(text)));
}

// One scalar as the text that the same option would have on the command line.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  return std::nullopt;
}

Result<std::vector<std::string>> values_of(std::string_view file, const OptionSpec& spec,
                                           const toml::node& node) {
  const auto wrong_type = [&](const toml::node& at) {
    return bad_entry(file, at.source(),
                     fmt::format("key '{}' must be {}", spec.key(),
                                 spec.list ? "an array of strings" : "a string or a whole number"));
  };
  std::vector<std::string> values;
  if (const toml::array* items = node.as_array()) {
    if (!spec.list) return wrong_type(node);
    if (items->size() > kListItemsMax) {
      return bad_entry(file, node.source(),
                       fmt::format("key '{}' has more than {} items", spec.key(), kListItemsMax));
    }
    for (const toml::node& item : *items) {
      std::optional<std::string> text = scalar_text(item);
      if (!text) return wrong_type(item);
      values.push_back(std::move(*text));
    }
    return values;
  }
  std::optional<std::string> text = scalar_text(node);
  if (!text) return wrong_type(node);
  if (spec.list) return split_list(*text);
  values.push_back(std::move(*text));
  return values;
}

// The packaged toml++ reports by exception; it ends here.
Result<toml::table> parse_toml(std::string_view text, std::string_view file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    return bad_entry(file, error.source(), fmt::format("not valid TOML: {}", error.description()));
  }
}

}  // namespace

Status read_toml(std::string_view text, std::string_view name, OptionValues& into) {
  if (text.size() > kConfigBytesMax) {
    return Error(Code::kTooLarge,
                 fmt::format("{} is larger than {}; a configuration is a few lines", name,
                             format_size(kConfigBytesMax)));
  }
  TRY_ASSIGN(const toml::table table, parse_toml(text, name));
  for (const auto& [key, node] : table) {
    const std::optional<size_t> option = find_option_by_key(key.str());
    if (!option) {
      return bad_entry(
          name, node.source(),
          fmt::format("unknown key '{}'; docs/configuration.md lists the keys", key.str()));
    }
    TRY_ASSIGN(std::vector<std::string> values, values_of(name, option_table()[*option], node));
    into.set(*option, Layer::kFile, std::move(values));
  }
  return {};
}

}  // namespace strata::roof
