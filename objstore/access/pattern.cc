#include "objstore/access/pattern.h"

#include "common/base/parse.h"

namespace strata::access {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80;
}

// Past the UTF-8 character at `at`.
size_t next_character(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && is_continuation(text[at])) ++at;
  return at;
}

}  // namespace

// "${name}" or "${name, 'default'}" at `at`; returns its length, 0 when it is no variable and '$'
// stands for itself.
size_t Pattern::add_variable(std::string_view text, size_t at) {
  if (text.substr(at, 2) != "${") return 0;
  const size_t end = text.find('}', at);
  if (end == std::string_view::npos) return 0;
  std::string_view inside = text.substr(at + 2, end - at - 2);
  const size_t length = end + 1 - at;
  if (inside == "*" || inside == "?" || inside == "$") {
    symbols_.push_back(static_cast<unsigned char>(inside.front()));
    return length;
  }
  Variable variable;
  const size_t comma = inside.find(',');
  if (comma != std::string_view::npos) {
    const std::string_view otherwise = trim(inside.substr(comma + 1));
    if (otherwise.size() >= 2 && otherwise.front() == '\'' && otherwise.back() == '\'') {
      variable.otherwise = std::string(otherwise.substr(1, otherwise.size() - 2));
    }
    inside = inside.substr(0, comma);
  }
  variable.key = ascii_lower(trim(inside));
  symbols_.push_back(static_cast<Symbol>(kVariable + variables_.size()));
  variables_.push_back(std::move(variable));
  fixed_ = false;
  return length;
}

Pattern Pattern::parse(std::string_view text, Syntax syntax) {
  Pattern pattern;
  pattern.text_ = std::string(text);
  pattern.symbols_.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (syntax.variables && c == '$') {
      const size_t length = pattern.add_variable(text, at);
      if (length > 0) {
        at += length;
        continue;
      }
    }
    if (syntax.wildcards && (c == '*' || c == '?')) {
      pattern.fixed_ = false;
      // A run of stars is one, so that matching stays quadratic at worst.
      const bool again =
          c == '*' && !pattern.symbols_.empty() && pattern.symbols_.back() == kAnyRun;
      if (!again) pattern.symbols_.push_back(c == '*' ? kAnyRun : kAnyOne);
    } else {
      pattern.symbols_.push_back(static_cast<unsigned char>(c));
    }
    ++at;
  }
  return pattern;
}

bool Pattern::match(const std::vector<Symbol>& symbols, std::string_view value, Letters letters) {
  const auto same = [letters](Symbol symbol, char c) {
    if (symbol > 255) return false;
    const char wanted = static_cast<char>(symbol);
    return letters == Letters::kExact ? wanted == c : lower(wanted) == lower(c);
  };
  size_t at = 0;
  size_t in = 0;
  size_t star = std::string_view::npos;  // the place after the last run
  size_t resume = 0;                     // where what follows it was last tried
  while (in < value.size()) {
    if (at < symbols.size() && symbols[at] == kAnyRun) {
      star = ++at;
      resume = in;
    } else if (at < symbols.size() && symbols[at] == kAnyOne) {
      ++at;
      in = next_character(value, in);
    } else if (at < symbols.size() && same(symbols[at], value[in])) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star;
      in = ++resume;
    } else {
      return false;
    }
  }
  while (at < symbols.size() && symbols[at] == kAnyRun) ++at;
  return at == symbols.size();
}

std::optional<std::vector<Pattern::Symbol>> Pattern::replace(const Context* context) const {
  std::vector<Symbol> out;
  for (const Symbol symbol : symbols_) {
    if (symbol < kVariable) {
      out.push_back(symbol);
      continue;
    }
    const Variable& variable = variables_[static_cast<size_t>(symbol - kVariable)];
    std::optional<std::string> value = variable.otherwise;
    if (context != nullptr) {
      const auto found = context->find(variable.key);
      // A key of several values has none that a variable could stand for.
      if (found && found->size() == 1) value = found->front();
    }
    if (!value) return std::nullopt;
    for (const char c : *value) out.push_back(static_cast<unsigned char>(c));
  }
  return out;
}

bool Pattern::matches(std::string_view value, const Context* context, Letters letters) const {
  if (variables_.empty()) return match(symbols_, value, letters);
  const auto replaced = replace(context);
  return replaced && match(*replaced, value, letters);
}

std::optional<std::string> Pattern::expand(const Context* context) const {
  const auto replaced = replace(context);
  if (!replaced) return std::nullopt;
  std::string out;
  for (const Symbol symbol : *replaced) {
    if (symbol == kAnyRun) {
      out += '*';
    } else if (symbol == kAnyOne) {
      out += '?';
    } else {
      out += static_cast<char>(symbol);
    }
  }
  return out;
}

bool glob_matches(std::string_view pattern, std::string_view value, Letters letters) {
  return Pattern::parse(pattern, {true, false}).matches(value, nullptr, letters);
}

}  // namespace strata::access
