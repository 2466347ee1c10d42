// An inspection as text and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "strata/inspection.h"

namespace strata::roof {
namespace {

std::string text_of(const Description& description) {
  std::string out = description.what + "\n";
  size_t width = 0;
  for (const Description::Field& field : description.fields) {
    width = std::max(width, field.name.size());
  }
  for (const Description::Field& field : description.fields) {
    out += fmt::format("  {:<{}}  {}\n", field.name, width, field.value);
  }
  for (const Description::Damage& damage : description.damage) {
    out += damage.length > 0 ? fmt::format("  DAMAGED at offset {}, {} bytes: {}\n", damage.offset,
                                           damage.length, damage.what)
                             : fmt::format("  DAMAGED: {}\n", damage.what);
  }
  if (description.damage_not_listed > 0) {
    out += fmt::format("  and {} more damaged places\n", description.damage_not_listed);
  }
  return out;
}

nlohmann::json value_of(const Description::Field& field) {
  if (field.is_number) return std::stoull(field.value);
  return field.value;
}

// A name that comes more than once becomes a list.
nlohmann::json json_of(const Description& description) {
  nlohmann::json fields = nlohmann::json::object();
  for (const Description::Field& field : description.fields) {
    if (!fields.contains(field.name)) {
      fields[field.name] = value_of(field);
    } else if (nlohmann::json& there = fields[field.name]; there.is_array()) {
      there.push_back(value_of(field));
    } else {
      there = nlohmann::json::array({there, value_of(field)});
    }
  }
  nlohmann::json damage = nlohmann::json::array();
  for (const Description::Damage& one : description.damage) {
    damage.push_back({{"offset", one.offset}, {"length", one.length}, {"what", one.what}});
  }
  return {{"what", description.what},
          {"fields", std::move(fields)},
          {"damage", std::move(damage)},
          {"damage_not_listed", description.damage_not_listed}};
}

}  // namespace

std::string inspection_text(const Inspection& inspection) {
  std::string out = text_of(inspection.subject);
  for (const Description& detail : inspection.details) out += "\n" + text_of(detail);
  if (inspection.more) out += "\nThere are more; --limit shows them.\n";
  return out;
}

nlohmann::json inspection_json(const Inspection& inspection) {
  nlohmann::json out = json_of(inspection.subject);
  nlohmann::json details = nlohmann::json::array();
  for (const Description& detail : inspection.details) details.push_back(json_of(detail));
  out["details"] = std::move(details);
  out["more"] = inspection.more;
  out["damaged"] = inspection.damaged();
  return out;
}

}  // namespace strata::roof
