// What something stored is, said neutrally: names and values, and where it is damaged. Rooms
// describe what they have written; whoever shows it chooses text or JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

struct Description {
  struct Field {
    std::string name;   // lower case, words joined by '_', as in JSON
    std::string value;  // printable
    bool is_number = false;
  };
  struct Damage {
    uint64_t offset = 0;  // in the file; 0 where there is no file of its own
    uint64_t length = 0;  // bytes concerned; 0: not known
    std::string what;
  };
  // Of one thing; what is found beyond is only counted.
  static constexpr size_t kDamageMax = 1000;

  std::string what;  // "blob file", "object row"
  std::vector<Field> fields = {};
  std::vector<Damage> damage = {};
  uint64_t damage_not_listed = 0;

  void add(std::string_view name, std::string_view value);
  void add_number(std::string_view name, uint64_t value);
  void add_damage(uint64_t offset, uint64_t length, std::string_view what);
  // The other's fields and damage behind our own.
  void append(const Description& other);
  [[nodiscard]] bool damaged() const noexcept { return !damage.empty(); }
  // The first field of that name, or nullptr.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
};

// The bytes as text on one line: what is not printable ASCII, and the backslash, becomes \xNN.
// UTF-8 stays as it is where it is valid.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace strata
