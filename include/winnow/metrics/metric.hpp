#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/metrics/ensemble_scores.hpp"
#include "winnow/metrics/log_scores.hpp"

namespace winnow {
namespace metrics {

/// Metrics that need no training: of embeddings, and random.
enum class EmbeddingMetric { self_prototypes, supervised_prototypes, random };

}  // namespace metrics

template <>
struct EnumNames<metrics::EmbeddingMetric> {
  static constexpr EnumName<metrics::EmbeddingMetric> values[] = {
      {metrics::EmbeddingMetric::self_prototypes, "self-prototypes"},
      {metrics::EmbeddingMetric::supervised_prototypes, "supervised-prototypes"},
      {metrics::EmbeddingMetric::random, "random"}};
};

namespace metrics {

/// Any metric, by its name: of embeddings, of training dynamics, or of many runs together.
struct Metric {
  std::variant<EmbeddingMetric, LogMetric, EnsembleMetric> value = EmbeddingMetric::self_prototypes;

  static constexpr const char* forms = "NAME";
  /// @throws InvalidArgument naming the near name.
  static Metric parse(std::string_view field, std::string_view text);
  std::string text() const;
  /// Names of all metrics, those of embeddings first.
  static std::vector<std::string> names();
  bool operator==(const Metric&) const = default;
};

}  // namespace metrics
}  // namespace winnow
