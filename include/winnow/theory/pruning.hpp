#pragma once

#include <string>
#include <vector>

#include "winnow/core/options.hpp"

namespace winnow::theory {

/// Which examples stay. The harder an example, the smaller its margin under the probe.
enum class Policy {
  hard,    ///< smallest margins
  easy,    ///< largest margins
  random,  ///< whatever the margin
};

/// Which margin the probe ranks by, z being its distance from the probe's boundary.
enum class Margin {
  absolute,     ///< |z|, what the paper's theory prunes on: no label is looked at.
  times_label,  ///< y z, the paper's text: examples that the probe gets wrong are the hardest.
};

/// Kept share `weight` of the examples whose probe margin y z lies in (low, high).
struct Band {
  double low = 0.0;
  double high = 0.0;
  double weight = 1.0;  ///< In (0, 1].
};

/// What pruning keeps, as a function of the probe's margin s = y J_probe.x / |J_probe|, where the
/// inputs x are standard normal, y = sign(T.x), and T and J_probe enclose the angle theta.
///
///     w(s) = sum_bands weight [low < s < high],   f = E w(s)
///
/// Immutable once made.
class Pruning {
 public:
  /// Hard, easy or random selection of a share of the examples.
  ///
  /// @param keep         f in (0, 1].
  /// @param probe_angle  theta in degrees, [0, 90].
  /// @throws InvalidArgument  naming the value and its range; also NaN.
  static Pruning of(Policy policy, Margin margin, double keep, double probe_angle);

  /// Any piecewise constant weight of the margin, e.g. {{0.3, 0.9}} of |z| for `moderate`.
  ///
  /// @param bands   Disjoint, low < high, weights in (0, 1]; infinite ends are welcome. For
  ///                Margin::absolute bands of |z|, low >= 0, each of which stands for two of s.
  /// @throws InvalidArgument  naming the band.
  static Pruning of_bands(std::vector<Band> bands, Margin margin, double probe_angle);

  /// Bands of the signed margin s, ascending; none where s cannot be (s < 0 at theta = 0).
  const std::vector<Band>& bands() const { return bands_; }
  /// Share of all examples that stays, f in (0, 1].
  double keep() const { return keep_; }
  double probe_angle() const { return probe_angle_; }  ///< Degrees.
  double sine() const { return sine_; }                ///< sin theta
  double cosine() const { return cosine_; }            ///< cos theta; exactly 0 at 90 degrees.
  /// Nothing depends on the margin.
  bool is_random() const;
  /// The probe is the teacher or nothing depends on it: one dimension is enough.
  bool is_exact() const { return sine_ == 0.0 || is_random(); }

 private:
  Pruning(std::vector<Band> bands, double probe_angle);

  std::vector<Band> bands_;
  double keep_ = 1.0;
  double probe_angle_ = 0.0;
  double sine_ = 0.0;
  double cosine_ = 1.0;
};

/// The margin g with P(|z| < g) = f (hard) or P(|z| > g) = f (easy) for Margin::absolute, with
/// P(s < g) = f or P(s > g) = f for Margin::times_label; infinite when everything stays. Relative
/// accuracy 1e-14 for absolute margins, absolute accuracy 1e-14 for signed ones.
double margin_threshold(Policy policy, Margin margin, double keep, double probe_angle);

/// P(s < margin) of the signed probe margin, density 2 phi(s) Phi(s cot theta).
double margin_probability(double margin, double probe_angle);

}  // namespace winnow::theory

template <>
struct winnow::EnumNames<winnow::theory::Policy> {
  static constexpr EnumName<theory::Policy> values[] = {{theory::Policy::hard, "hard"},
                                                        {theory::Policy::easy, "easy"},
                                                        {theory::Policy::random, "random"}};
};

template <>
struct winnow::EnumNames<winnow::theory::Margin> {
  static constexpr EnumName<theory::Margin> values[] = {{theory::Margin::absolute, "absolute"},
                                                        {theory::Margin::times_label, "signed"}};
};
