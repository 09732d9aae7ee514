#include <cmath>

#include "selection/policies.hpp"

namespace winnow::selection {

namespace {

double midway(double a, double b) { return a / 2.0 + b / 2.0; }

double median_of_all(const Keys& keys, std::span<const double> scores, Progress& progress) {
  const auto score_at = [&](std::int64_t place) {
    return scores[nth_ranked(keys, place, progress, [](Ranked) { return true; }).id];
  };
  return midway(score_at((keys.n + 1) / 2), score_at(keys.n / 2 + 1));
}

/// [n_classes]; NaN for classes without examples.
std::vector<double> class_medians(const Keys& keys, const Examples& examples,
                                  std::span<const std::int64_t> sizes, Progress& progress) {
  std::vector<std::int64_t> lower;
  std::vector<std::int64_t> upper;
  for (const std::int64_t size : sizes) {
    lower.push_back((size + 1) / 2);
    upper.push_back(std::min(size, size / 2 + 1));
  }
  const auto below = last_of_groups(keys, examples.labels, sizes, lower, progress);
  const auto above = last_of_groups(keys, examples.labels, sizes, upper, progress);
  std::vector<double> medians(sizes.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    if (sizes[c] == 0) continue;
    medians[c] = midway(examples.scores[below[c].id], examples.scores[above[c].id]);
  }
  return medians;
}

}  // namespace

Ranking rank_moderate(const Examples& examples, Progress& progress) {
  const std::span<const double> scores = examples.scores;
  const Keys by_score = ascending_keys(scores, progress);
  const auto n_classes = static_cast<std::int64_t>(examples.class_names.size());
  std::vector<std::int64_t> sizes;
  std::vector<double> medians;
  if (examples.labels.empty()) {
    medians = {median_of_all(by_score, scores, progress)};
  } else {
    sizes = count_groups(by_score, examples.labels, n_classes, after_all, progress);
    medians = class_medians(by_score, examples, sizes, progress);
  }

  std::vector<double> distances(scores.size());
  const Blocks blocks(by_score.n);
  parallel_blocks(blocks.count(), progress, [&](std::int64_t block) {
    for (std::int64_t id = blocks.begin(block); id < blocks.end(block); ++id) {
      const auto own = examples.labels.empty() ? 0 : examples.labels[id];
      // Halved, since the distance of two finite numbers need not be one.
      distances[id] = std::abs(scores[id] / 2.0 - medians[own] / 2.0);
    }
  });
  Ranking ranking;
  ranking.keys = ascending_keys(distances, progress);
  if (!examples.labels.empty()) {
    ranking.keys = keys_by_share(ranking.keys, examples.labels, sizes, sizes, progress);
  }
  ranking.details["medians"] = Json::array();
  for (const double median : medians) {
    ranking.details["medians"].push_back(std::isnan(median) ? Json() : Json(median));
  }
  return ranking;
}

}  // namespace winnow::selection
