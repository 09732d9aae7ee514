#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/rng.hpp"
#include "winnow/theory/pruning.hpp"
#include "winnow/theory/setting.hpp"

namespace winnow::theory {

/// Where the probe comes from.
enum class Probe {
  angle,       ///< at exactly the angle asked for, in a random direction
  perceptron,  ///< trained on examples of its own: w += y x where it errs
  logistic,    ///< trained on examples of its own: w += rate / N y x / (1 + exp(y w.x))
};

}  // namespace winnow::theory

template <>
struct winnow::EnumNames<winnow::theory::Probe> {
  static constexpr EnumName<theory::Probe> values[] = {{theory::Probe::angle, "angle"},
                                                       {theory::Probe::perceptron, "perceptron"},
                                                       {theory::Probe::logistic, "logistic"}};
};

namespace winnow::theory {

/// What simulate() does. Set fields by name; checked on entry.
struct SimulationOptions {
  std::int64_t n_parameters = 400;  ///< N
  double alpha_tot = 5.0;           ///< Examples per parameter before pruning, > 0.
  double keep = 0.5;                ///< f in (0, 1]; round(f alpha_tot N) examples stay, exactly.
  Setting setting;  ///< Policy, margin and the angle of a probe that is not trained.
  /// In place of policy and keep when there are any: an example stays with the weight of the band
  /// of its margin, as in Pruning::of_bands(). Not among the fields.
  std::vector<Band> bands{};
  Probe probe = Probe::angle;
  double probe_alpha = 1.0;         ///< Examples per parameter that a trained probe sees, > 0.
  std::int32_t probe_epochs = 1;    ///< Passes of its training over them; >= 1.
  double probe_rate = 1.0;          ///< Step size of the logistic probe, > 0.
  std::int32_t n_repetitions = 32;  ///< Independent teachers, data and probes; >= 1.
  Seed seed{0};

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.n_parameters,
          FieldInfo{.name = "parameters", .help = "Inputs N of the perceptron.", .min = 1});
    visit(self.alpha_tot, FieldInfo{.name = "alpha-tot",
                                    .help = "Examples per parameter before pruning.",
                                    .min = 0,
                                    .min_open = true});
    visit(self.keep, FieldInfo{.name = "keep",
                               .help = "Share of the examples that stays.",
                               .min = 0,
                               .max = 1,
                               .min_open = true});
    Setting::fields(self.setting, visit);
    visit(self.probe, FieldInfo{.name = "probe",
                                .help = "Where the probe comes from: set at the probe angle "
                                        "(angle), or trained on examples of its own by the "
                                        "perceptron's rule or by logistic regression; its angle "
                                        "is then measured."});
    visit(self.probe_alpha, FieldInfo{.name = "probe-alpha",
                                      .help = "Examples per parameter that a trained probe sees.",
                                      .min = 0,
                                      .min_open = true});
    visit(self.probe_epochs, FieldInfo{.name = "probe-epochs",
                                       .help = "Passes over its examples that train the probe.",
                                       .min = 1});
    visit(self.probe_rate, FieldInfo{.name = "probe-rate",
                                     .help = "Step size of the logistic probe, times 1 / N.",
                                     .min = 0,
                                     .min_open = true});
    visit(self.n_repetitions,
          FieldInfo{.name = "repetitions",
                    .help = "Independent teachers, data and probes to average over.",
                    .min = 1});
  }
  /// P = round(alpha_tot N), at least 1.
  std::int64_t n_examples() const;
  /// K = round(f P), at least 1; what stays, unless there are bands.
  std::int64_t n_kept() const;

  /// @throws InvalidArgument naming the field, its value and the bound broken; also a probe angle
  /// above 0 for a single parameter.
  void validate() const;
};

/// One teacher, its data, a probe, and the maximum-margin student of what was kept.
struct Repetition {
  std::int64_t n_kept = 0;
  double epsilon = 0.0;       ///< Test error: angle between student and teacher / pi.
  double R = 0.0;             ///< Cosine between student and teacher.
  double rho = 0.0;           ///< Cosine between student and probe.
  double kappa = 0.0;         ///< Smallest margin y J.x of what was kept, |J| = 1.
  double probe_angle = 0.0;   ///< Degrees between probe and teacher, as measured.
  double relative_gap = 0.0;  ///< Duality gap of the student's training.
  bool converged = false;     ///< The gap is closed.
};

/// Mean over repetitions and its standard error (0 for a single repetition).
struct Estimate {
  double mean = 0.0;
  double standard_error = 0.0;
};

struct SimulationResult {
  std::vector<Repetition> repetitions;  ///< [n_repetitions]
  Estimate epsilon, R, rho, kappa, probe_angle, alpha_prune;
  std::int32_t n_unconverged = 0;  ///< Of the repetitions; the estimates count them too.
};

/// Pruned teacher-student learning of the perceptron, by experiment.
///
/// A teacher T signs P Gaussian inputs, y = sign(T.x), x of N(0, I). A probe ranks them by its
/// margin; K of them stay, exactly (with bands, each by its own chance). The student is the
/// maximum-margin direction of what stayed, exact (max_margin()).
///
/// Only what decides is drawn. In the basis (T, the probe's part orthogonal to T, the rest) the
/// inputs are as normal as in any other, so each example's two coordinates in the plane come
/// first, they settle its label and rank, and the other N - 2 are drawn for the K that stay: the
/// same distribution from O(P + K N) memory in place of O(P N). A trained probe does see whole
/// inputs: probe_alpha N examples of its own.
///
/// @throws InvalidArgument  as validate() says, or bands that kept nothing in some repetition.
/// @throws Interrupted      when `progress` was cancelled.
///
/// Repetition r draws from streams keyed by (seed, "theory-...", r) alone: the same bits for any
/// number of threads, and more repetitions leave the first ones as they were. Cost: that of
/// n_repetitions times max_margin() of a [K, N] matrix.
SimulationResult simulate(const SimulationOptions& options, Progress& progress = silent());

}  // namespace winnow::theory
