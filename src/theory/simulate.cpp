#include "winnow/theory/simulate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "winnow/core/error.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/numerics/dense.hpp"
#include "winnow/theory/max_margin.hpp"

// Legend: rows are z = y x in the basis (T, e, rest), e the unit vector of the probe's part that is
// orthogonal to T: z_0 = |T.x| > 0, z_1 = y e.x; margin s = y J_probe.x = z_0 cos theta + z_1 sin
// theta.

namespace winnow::theory {

namespace {

constexpr double degrees_per_radian = 180.0 / std::numbers::pi;
/// Entries of a repetition's data above which repetitions run one after the other, each on all
/// threads, instead of side by side.
constexpr std::int64_t large_data = 1 << 25;

struct Plane {
  double teacher = 0.0;
  double probe = 0.0;
};

std::int64_t rounded_count(double count) { return std::max<std::int64_t>(1, std::llround(count)); }

/// Angle in radians between a vector and the first axis, without cancellation.
double angle_to_teacher(std::span<const double> w) {
  return std::atan2(numerics::norm(w.subspan(1)), w[0]);
}

/// Radians between the teacher and a probe that trained on examples of its own.
double trained_probe_angle(const SimulationOptions& options, std::uint64_t repetition) {
  const auto n = static_cast<std::size_t>(options.n_parameters);
  Matrix<double> rows(rounded_count(options.probe_alpha * static_cast<double>(n)),
                      options.n_parameters);
  RandomStream random(options.seed, "theory-probe", repetition);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    for (double& value : rows.row(i)) value = random.normal();
    rows(i, 0) = std::abs(rows(i, 0));
  }
  const double rate = options.probe_rate / static_cast<double>(n);
  std::vector<double> w(n, 0.0);
  for (std::int32_t epoch = 0; epoch < options.probe_epochs; ++epoch) {
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      const auto row = rows.row(i);
      const double margin = numerics::dot(w, row);
      const double step = options.probe == Probe::logistic ? rate / (1.0 + std::exp(margin))
                                                           : (margin <= 0.0 ? 1.0 : 0.0);
      for (std::size_t j = 0; j < n && step > 0.0; ++j) w[j] += step * row[j];
    }
  }
  return angle_to_teacher(w);
}

/// Share of the examples with this signed margin that stays.
double weight_of(double signed_margin, const SimulationOptions& options) {
  const double margin =
      options.setting.margin == Margin::absolute ? std::abs(signed_margin) : signed_margin;
  for (const Band& band : options.bands) {
    if (band.low < margin && margin < band.high) return band.weight;
  }
  return 0.0;
}

/// The K examples that rank first, in the order drawn.
std::vector<Plane> ranked(std::vector<Plane> all, const SimulationOptions& options, double cosine,
                          double sine) {
  std::vector<double> difficulty;
  difficulty.reserve(all.size());
  for (const Plane& example : all) {
    const double margin = example.teacher * cosine + example.probe * sine;
    const double easiness = options.setting.margin == Margin::absolute ? std::abs(margin) : margin;
    difficulty.push_back(options.setting.policy == Policy::hard ? -easiness : easiness);
  }
  std::vector<std::int64_t> order(all.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto first = [&](std::int64_t i, std::int64_t j) {
    const double di = difficulty[static_cast<std::size_t>(i)];
    const double dj = difficulty[static_cast<std::size_t>(j)];
    return di != dj ? di > dj : i < j;
  };
  const std::int64_t count = options.n_kept();
  std::nth_element(order.begin(), order.begin() + (count - 1), order.end(), first);
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  std::vector<Plane> kept;
  kept.reserve(order.size());
  for (const std::int64_t i : order) kept.push_back(all[static_cast<std::size_t>(i)]);
  return kept;
}

/// What is left of P examples, each by its coordinates in the plane of teacher and probe.
std::vector<Plane> pruned_plane(const SimulationOptions& options, double angle,
                                std::uint64_t repetition) {
  RandomStream random(options.seed, "theory-margins", repetition);
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  // Of examples that are all alike to it, a random choice may as well take the first.
  const bool any = options.bands.empty() && options.setting.policy == Policy::random;
  std::vector<Plane> examples;
  for (std::int64_t i = 0; i < (any ? options.n_kept() : options.n_examples()); ++i) {
    const Plane example{std::abs(random.normal()), random.normal()};
    if (!options.bands.empty()) {
      const double margin = example.teacher * cosine + example.probe * sine;
      if (random.uniform() >= weight_of(margin, options)) continue;
    }
    examples.push_back(example);
  }
  if (examples.empty()) {
    throw InvalidArgument(
        fmt::format("bands: of {} examples none was kept (repetition {}); expected wider bands or "
                    "more examples",
                    options.n_examples(), repetition));
  }
  return any || !options.bands.empty() ? examples
                                       : ranked(std::move(examples), options, cosine, sine);
}

Repetition repeat(const SimulationOptions& options, std::uint64_t repetition, Progress& progress) {
  const double angle = options.probe == Probe::angle
                           ? options.setting.probe_angle / degrees_per_radian
                           : trained_probe_angle(options, repetition);
  const std::vector<Plane> kept = pruned_plane(options, angle, repetition);
  auto rows =
      Matrix<double>::uninitialized(static_cast<std::int64_t>(kept.size()), options.n_parameters);
  RandomStream random(options.seed, "theory-inputs", repetition);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    const Plane& plane = kept[static_cast<std::size_t>(i)];
    row[0] = plane.teacher;
    if (row.size() > 1) row[1] = plane.probe;
    for (std::size_t j = 2; j < row.size(); ++j) row[j] = random.normal();
  }
  const MaxMarginResult student = max_margin(rows, {}, nullptr, progress);
  Repetition found;
  found.n_kept = rows.rows();
  found.epsilon = angle_to_teacher(student.J) / std::numbers::pi;
  found.R = student.J[0];
  found.rho = student.J[0] * std::cos(angle) +
              (student.J.size() > 1 ? student.J[1] * std::sin(angle) : 0.0);
  found.kappa = student.kappa;
  found.probe_angle = angle * degrees_per_radian;
  found.relative_gap = student.relative_gap;
  found.converged = student.converged;
  return found;
}

/// Mean and standard error of one quantity over the repetitions.
template <class Quantity>
Estimate estimate(const std::vector<Repetition>& repetitions, const Quantity& quantity) {
  const auto count = static_cast<double>(repetitions.size());
  Estimate found;
  for (const Repetition& repetition : repetitions) found.mean += quantity(repetition) / count;
  if (repetitions.size() < 2) return found;
  double squares = 0.0;
  for (const Repetition& repetition : repetitions) {
    const double difference = quantity(repetition) - found.mean;
    squares += difference * difference;
  }
  found.standard_error = std::sqrt(squares / (count - 1.0) / count);
  return found;
}

}  // namespace

std::int64_t SimulationOptions::n_examples() const {
  return rounded_count(alpha_tot * static_cast<double>(n_parameters));
}

std::int64_t SimulationOptions::n_kept() const {
  return rounded_count(keep * static_cast<double>(n_examples()));
}

void SimulationOptions::validate() const {
  validate_fields(*this);
  if (!bands.empty()) (void)Pruning::of_bands(bands, setting.margin, setting.probe_angle);
  if (n_parameters == 1 && probe == Probe::angle && setting.probe_angle > 0.0) {
    throw InvalidArgument(
        fmt::format("probe-angle = {}; expected 0 for a single parameter", setting.probe_angle));
  }
}

SimulationResult simulate(const SimulationOptions& options, Progress& progress) {
  options.validate();
  SimulationResult result;
  result.repetitions.resize(static_cast<std::size_t>(options.n_repetitions));
  progress.stage("simulate", options.n_repetitions, "repetitions");
  const auto work = [&](std::int64_t index) {
    result.repetitions[static_cast<std::size_t>(index)] =
        repeat(options, static_cast<std::uint64_t>(index), progress);
  };
  const std::int64_t kept = options.bands.empty() ? options.n_kept() : options.n_examples();
  if (kept * options.n_parameters > large_data || options.n_repetitions < thread_count()) {
    for (std::int64_t index = 0; index < options.n_repetitions; ++index) {
      work(index);
      progress.advance(1);
    }
  } else {
    parallel_blocks(options.n_repetitions, progress, work, true);
  }
  const auto& all = result.repetitions;
  result.epsilon = estimate(all, [](const Repetition& r) { return r.epsilon; });
  result.R = estimate(all, [](const Repetition& r) { return r.R; });
  result.rho = estimate(all, [](const Repetition& r) { return r.rho; });
  result.kappa = estimate(all, [](const Repetition& r) { return r.kappa; });
  result.probe_angle = estimate(all, [](const Repetition& r) { return r.probe_angle; });
  result.alpha_prune = estimate(all, [&](const Repetition& r) {
    return static_cast<double>(r.n_kept) / static_cast<double>(options.n_parameters);
  });
  result.n_unconverged = static_cast<std::int32_t>(
      std::ranges::count_if(all, [](const Repetition& r) { return !r.converged; }));
  progress.done(
      fmt::format("epsilon {:.5f} +- {:.5f}", result.epsilon.mean, result.epsilon.standard_error));
  return result;
}

}  // namespace winnow::theory
