// `strata durability` without the command line: its arguments as text become a question, the
// question an answer, the answer text, JSON or a table. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "objstore/durability/closed_form.h"
#include "objstore/durability/model.h"
#include "objstore/durability/monte_carlo.h"

namespace strata::roof {

// As given on the command line.
struct DurabilityArguments {
  std::string drives = "3";
  std::string replicas = "3";
  std::string afr = "1.5%";
  std::string capacity = "4TB";
  std::string rebuild_rate = "100MB/s";
  std::string detection_time = "1h";
  std::string scrub_period = "7d";
  std::string latent_error_rate = "1e-15";
  std::string objects = "10000000";
  std::string repair = "replace";
  std::string repair_time = "fixed";
  std::string machine_afr = "0";
  std::string weibull_shape = "1";
  std::string trials = "100000";
  std::string seed = "1";
};

struct DurabilityQuestion {
  durability::Model model;
  durability::MonteCarloOptions simulation;
};
// kInvalidArgument names the option and what would be good.
[[nodiscard]] Result<DurabilityQuestion> parse_durability(const DurabilityArguments& arguments);

struct DurabilityAnswer {
  DurabilityQuestion question;
  durability::ClosedForm closed_form;
  durability::MonteCarlo monte_carlo;
};
[[nodiscard]] DurabilityAnswer answer_durability(const DurabilityQuestion& question);

// 1e-11 -> 11: how many nines a chance of loss leaves. Infinite for 0.
[[nodiscard]] double nines_of(double chance) noexcept;

[[nodiscard]] std::string durability_text(const DurabilityAnswer& answer);
[[nodiscard]] nlohmann::json durability_json(const DurabilityAnswer& answer);
// Markdown: nines by closed form for 1 to 4 copies and several times of repair, all else as asked.
[[nodiscard]] std::string durability_table(const durability::Model& model);

}  // namespace strata::roof
