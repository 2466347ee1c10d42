#include "strata/durability_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/base/parse.h"

namespace strata::roof {
namespace {

using durability::Estimate;
using durability::Model;

constexpr std::array<std::string_view, 9> kAssumptions = {
    "drives fail independently of each other, each at the rate given",
    "a failed drive is noticed and its repair begun within the detection time; a spare is at hand",
    "repairs do not slow each other down; the drives are full, the objects of equal size",
    "an object's drives are a random choice, every choice equally likely (rendezvous placement)",
    "latent errors strike each copy on its own; a scrub finds every one and makes it good",
    "a copy with a latent error is of no use at all, though its other blocks could be read",
    "closed form: times of failure, scrub and repair are exponential, with the right means",
    "no drive gives wrong bytes unnoticed: every block and record is checked on each read",
    "not in the model: software errors, operators, fire, theft, and whatever strikes several "
    "drives "
    "at once",
};

constexpr std::array<std::string_view, 6> kSources = {
    "chains and MTTDL: Gibson, Redundant Disk Arrays (1992); their limits: Greenan, Plank, Wylie, "
    "Mean time to meaningless (HotStorage 2010)",
    "AFR: Backblaze Drive Stats (1.57 % for 2024); Schroeder, Gibson, Disk failures in the real "
    "world (FAST 2007: 2 to 4 % common)",
    "latent errors: Bairavasundaram et al., An analysis of latent sector errors (SIGMETRICS 2007)",
    "importance sampling: Shahabuddin (Management Science 40(3), 1994)",
    "eleven nines: Amazon S3 User Guide, Data protection: \"designed to provide 99.999999999%\"",
    "more, and what was checked: docs/durability.md",
};

Error bad_value(std::string_view option, const Error& error) {
  return Error(Code::kInvalidArgument, fmt::format("--{}: {}", option, error.message));
}

#define PARSE_OPTION(target, option, ...)                       \
  do {                                                          \
    auto parsed = (__VA_ARGS__);                                \
    if (!parsed.ok()) return bad_value(option, parsed.error()); \
    target = static_cast<decltype(target)>(*parsed);            \
  } while (false)

Result<uint64_t> whole_number(std::string_view text, uint64_t most) {
  const auto value = parse_u64(text);
  if (value && *value <= most) return *value;
  return Error(Code::kInvalidArgument,
               fmt::format("'{}' is not a whole number up to {}", text.substr(0, 40), most));
}

// "100MB/s", or without the "/s".
Result<uint64_t> rate(std::string_view text) {
  if (text.ends_with("/s")) text.remove_suffix(2);
  return parse_size(text);
}

Result<bool> one_of(std::string_view text, std::string_view no, std::string_view yes) {
  if (text == no) return false;
  if (text == yes) return true;
  return Error(Code::kInvalidArgument,
               fmt::format("'{}' is neither {} nor {}", text.substr(0, 40), no, yes));
}

std::string chance_text(double chance) {
  if (chance <= 0) return "0";
  return chance >= 0.001 ? fmt::format("{:.3g} %", chance * 100) : fmt::format("{:.2e}", chance);
}

std::string nines_text(double chance) {
  const double nines = nines_of(chance);
  return std::isinf(nines) ? "never" : fmt::format("{:.1f}", nines);
}

std::string estimate_text(const Estimate& estimate) {
  if (estimate.hits == 0) return "no loss in any trial: give more --trials";
  return fmt::format("{} ({} to {})", chance_text(estimate.chance), chance_text(estimate.low),
                     chance_text(estimate.high));
}

std::string years_text(double years) {
  return std::isinf(years) ? "never" : fmt::format("{:.2g} years", years);
}

std::string repair_words(const Model& model) {
  return model.repair == durability::Repair::kReplace
             ? "one new drive is filled"
             : fmt::format("spread over the {} drives left", model.drives - 1);
}

nlohmann::json estimate_json(double closed, const Estimate& estimate, double mttdl) {
  const double nines = nines_of(closed);
  return {{"closed_form", closed},
          {"nines", std::isinf(nines) ? nlohmann::json(nullptr) : nlohmann::json(nines)},
          {"mttdl_years", std::isinf(mttdl) ? nlohmann::json(nullptr) : nlohmann::json(mttdl)},
          {"monte_carlo",
           {{"estimate", estimate.chance},
            {"low_95", estimate.low},
            {"high_95", estimate.high},
            {"trials_with_a_loss", estimate.hits}}}};
}

}  // namespace

Result<DurabilityQuestion> parse_durability(const DurabilityArguments& arguments) {
  DurabilityQuestion question;
  Model& model = question.model;
  durability::MonteCarloOptions& simulation = question.simulation;
  PARSE_OPTION(model.drives, "drives", whole_number(arguments.drives, durability::kModelDrivesMax));
  PARSE_OPTION(model.replicas, "replicas",
               whole_number(arguments.replicas, durability::kModelReplicasMax));
  PARSE_OPTION(model.afr, "afr", parse_fraction(arguments.afr));
  PARSE_OPTION(model.capacity_bytes, "capacity", parse_size(arguments.capacity));
  PARSE_OPTION(model.rebuild_bytes_per_s, "rebuild-rate", rate(arguments.rebuild_rate));
  PARSE_OPTION(model.detection_s, "detection-time", parse_duration_ms(arguments.detection_time));
  model.detection_s /= 1000;
  PARSE_OPTION(model.scrub_s, "scrub-period", parse_duration_ms(arguments.scrub_period));
  model.scrub_s /= 1000;
  PARSE_OPTION(model.latent_per_bit, "latent-error-rate",
               parse_number(arguments.latent_error_rate));
  PARSE_OPTION(model.objects, "objects",
               whole_number(arguments.objects, static_cast<uint64_t>(durability::kObjectsMax)));
  PARSE_OPTION(model.machine_afr, "machine-afr", parse_fraction(arguments.machine_afr));
  bool spread = false;
  PARSE_OPTION(spread, "repair", one_of(arguments.repair, "replace", "spread"));
  model.repair = spread ? durability::Repair::kSpread : durability::Repair::kReplace;
  PARSE_OPTION(simulation.exponential_repair, "repair-time",
               one_of(arguments.repair_time, "fixed", "exponential"));
  PARSE_OPTION(simulation.shape, "weibull-shape", parse_number(arguments.weibull_shape));
  PARSE_OPTION(simulation.trials, "trials", whole_number(arguments.trials, durability::kTrialsMax));
  PARSE_OPTION(simulation.seed, "seed", whole_number(arguments.seed, UINT64_MAX));
  TRY(model.check());
  TRY(simulation.check());
  return question;
}

DurabilityAnswer answer_durability(const DurabilityQuestion& question) {
  return DurabilityAnswer{.question = question,
                          .closed_form = durability::solve(question.model),
                          .monte_carlo = durability::simulate(question.model, question.simulation)};
}

double nines_of(double chance) noexcept {
  return chance >= 1 ? 0 : -std::log10(chance);
}

std::string durability_text(const DurabilityAnswer& answer) {
  const Model& model = answer.question.model;
  const durability::MonteCarloOptions& simulation = answer.question.simulation;
  std::string out = fmt::format(
      "{} copies on {} drives of {}, AFR {:.4g} %, {:.0f} objects of {}\n"
      "repair of a drive: {} ({} after {}); scrub every {}; latent errors {:.2g} a bit and year\n",
      model.replicas, model.drives, format_size(static_cast<uint64_t>(model.capacity_bytes)),
      model.afr * 100, model.objects, format_size(static_cast<uint64_t>(model.object_bytes())),
      format_duration(model.repair_seconds()), repair_words(model),
      format_duration(model.detection_s), format_duration(model.scrub_s), model.latent_per_bit);
  out +=
      model.machine_afr > 0
          ? fmt::format("the machine with all drives: {:.4g} % a year\n", model.machine_afr * 100)
          : "events that take all drives at once: not in the model (--machine-afr)\n";
  const auto line = [&](std::string_view what, std::string_view closed, std::string_view nines,
                        std::string_view simulated) {
    out += fmt::format("{:<24}{:>12} {:>8}   {}\n", what, closed, nines, simulated);
  };
  out += "\n";
  line("lost within a year", "closed form", "nines", "Monte Carlo (95 % interval)");
  line("  a given object", chance_text(answer.closed_form.object_loss),
       nines_text(answer.closed_form.object_loss), estimate_text(answer.monte_carlo.object_loss));
  line("  any object at all", chance_text(answer.closed_form.any_loss),
       nines_text(answer.closed_form.any_loss), estimate_text(answer.monte_carlo.any_loss));
  out += fmt::format(
      "MTTDL by the chains: {} for a given object, {} for any (a rate, not a life time)\n"
      "Monte Carlo: {} trials, seed {}, lives {}, repairs and scrubs {}\n",
      years_text(answer.closed_form.object_mttdl_years),
      years_text(answer.closed_form.any_mttdl_years), simulation.trials, simulation.seed,
      simulation.shape == 1 ? std::string("exponential")
                            : fmt::format("Weibull of shape {:g}, all new", simulation.shape),
      simulation.exponential_repair ? "exponential" : "of fixed length");
  out += "\nAssumptions\n";
  for (const std::string_view text : kAssumptions) out += fmt::format("- {}\n", text);
  out += "Sources\n";
  for (const std::string_view text : kSources) out += fmt::format("- {}\n", text);
  return out;
}

nlohmann::json durability_json(const DurabilityAnswer& answer) {
  const Model& model = answer.question.model;
  const durability::MonteCarloOptions& simulation = answer.question.simulation;
  return {{"model",
           {{"drives", model.drives},
            {"replicas", model.replicas},
            {"afr", model.afr},
            {"capacity_bytes", model.capacity_bytes},
            {"rebuild_bytes_per_s", model.rebuild_bytes_per_s},
            {"detection_s", model.detection_s},
            {"repair", model.repair == durability::Repair::kReplace ? "replace" : "spread"},
            {"repair_s", model.repair_seconds()},
            {"scrub_s", model.scrub_s},
            {"latent_errors_per_bit_year", model.latent_per_bit},
            {"objects", model.objects},
            {"object_bytes", model.object_bytes()},
            {"machine_afr", model.machine_afr}}},
          {"simulation",
           {{"trials", simulation.trials},
            {"seed", simulation.seed},
            {"weibull_shape", simulation.shape},
            {"repair_time", simulation.exponential_repair ? "exponential" : "fixed"}}},
          {"object_lost_in_a_year",
           estimate_json(answer.closed_form.object_loss, answer.monte_carlo.object_loss,
                         answer.closed_form.object_mttdl_years)},
          {"any_object_lost_in_a_year",
           estimate_json(answer.closed_form.any_loss, answer.monte_carlo.any_loss,
                         answer.closed_form.any_mttdl_years)},
          {"assumptions", kAssumptions},
          {"sources", kSources}};
}

std::string durability_table(const Model& model) {
  constexpr std::array<std::pair<std::string_view, double>, 5> kRepairs = {
      {{"1 h", 3600.0},
       {"6 h", 6 * 3600.0},
       {"12 h", 12 * 3600.0},
       {"2 d", 2 * 86'400.0},
       {"14 d", 14 * 86'400.0}}};
  constexpr uint32_t kCopies = 4;
  std::string out = "| copies | drives |";
  std::string rule = "|---|---|";
  for (const auto& [name, seconds] : kRepairs) {
    out += fmt::format(" repair {} |", name);
    rule += "---|";
  }
  out += "\n" + rule + "\n";
  for (uint32_t copies = 1; copies <= kCopies; ++copies) {
    Model variant = model;
    variant.replicas = copies;
    variant.drives = std::max(model.drives, copies);
    variant.repair = durability::Repair::kReplace;
    variant.detection_s = 0;
    out += fmt::format("| {} | {} |", copies, variant.drives);
    for (const auto& [name, seconds] : kRepairs) {
      variant.rebuild_bytes_per_s = model.capacity_bytes / seconds;
      const durability::ClosedForm solved = durability::solve(variant);
      out += fmt::format(" {} / {} |", nines_text(solved.object_loss), nines_text(solved.any_loss));
    }
    out += "\n";
  }
  return out;
}

}  // namespace strata::roof
