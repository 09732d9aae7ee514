#include "winnow/metrics/at_epoch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "metrics/softmax.hpp"
#include "winnow/core/error.hpp"

namespace winnow::metrics {

namespace {
constexpr std::int64_t last_early_epoch = 20;
}

EpochChoice EpochChoice::parse(std::string_view field, std::string_view text) {
  if (text == "early") return {Kind::early, 0};
  if (text == "last") return {Kind::last, 0};
  if (text == "mean") return {Kind::mean, 0};
  EpochChoice choice{Kind::number, 0};
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, choice.epoch);
  if (code == std::errc{} && stop == end && choice.epoch >= 0) return choice;
  throw InvalidArgument(
      fmt::format("{} = '{}'; expected the number of an epoch, early, last or mean", field, text));
}

std::string EpochChoice::text() const {
  switch (kind) {
    case Kind::early:
      return "early";
    case Kind::last:
      return "last";
    case Kind::mean:
      return "mean";
    case Kind::number:
      break;
  }
  return fmt::format("{}", epoch);
}

std::vector<std::int64_t> rows_of(const EpochChoice& choice, const io::Dynamics& run) {
  const auto& epochs = run.epochs();
  std::vector<std::int64_t> all(epochs.size());
  std::iota(all.begin(), all.end(), 0);
  switch (choice.kind) {
    case EpochChoice::Kind::mean:
      return all;
    case EpochChoice::Kind::last:
      return {all.back()};
    case EpochChoice::Kind::early: {
      const auto end = std::upper_bound(epochs.begin(), epochs.end(), last_early_epoch);
      if (end != epochs.begin()) return {end - epochs.begin() - 1};
      throw InvalidArgument(
          fmt::format("epoch = early, but the first epoch of {} is {}; expected one of the first "
                      "{}; give its number, or last",
                      run.folder().string(), epochs.front(), last_early_epoch));
    }
    case EpochChoice::Kind::number:
      break;
  }
  return {run.row_of(choice.epoch)};
}

std::vector<double> loss(std::span<const float> p_true, double floor) {
  std::vector<double> scores(p_true.size());
  std::transform(p_true.begin(), p_true.end(), scores.begin(),
                 [floor](float p) { return -std::log(std::max(static_cast<double>(p), floor)); });
  return scores;
}

std::vector<double> entropy(MatrixView<const float> logits) {
  std::vector<double> scores(static_cast<std::size_t>(logits.rows()));
  std::vector<double> logs(static_cast<std::size_t>(logits.cols()));
  for (std::int64_t i = 0; i < logits.rows(); ++i) {
    log_softmax(logits.row(i), logs);
    double sum = 0.0;
    for (const double log : logs) sum -= std::exp(log) * log;
    scores[static_cast<std::size_t>(i)] = sum;
  }
  return scores;
}

}  // namespace winnow::metrics
