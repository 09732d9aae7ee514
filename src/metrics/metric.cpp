#include "winnow/metrics/metric.hpp"

#include <utility>

namespace winnow::metrics {

namespace {

template <class E>
bool find(std::string_view text, Metric& metric) {
  for (const auto& entry : EnumNames<E>::values) {
    if (text != entry.name) continue;
    metric.value = entry.value;
    return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> Metric::names() {
  auto names = enum_choices<EmbeddingMetric>();
  for (auto& name : enum_choices<LogMetric>()) names.push_back(std::move(name));
  for (auto& name : enum_choices<EnsembleMetric>()) names.push_back(std::move(name));
  return names;
}

Metric Metric::parse(std::string_view field, std::string_view text) {
  Metric metric;
  if (find<EmbeddingMetric>(text, metric) || find<LogMetric>(text, metric) ||
      find<EnsembleMetric>(text, metric)) {
    return metric;
  }
  throw_unknown_choice(field, text, names());
}

std::string Metric::text() const {
  return std::visit([](auto metric) -> std::string { return enum_name(metric); }, value);
}

}  // namespace winnow::metrics
