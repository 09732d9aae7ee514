#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/metrics/bit_matrix.hpp"

namespace winnow::metrics {

/// How the uncertainty of an ensemble is measured.
enum class Acquisition { entropy, mutual_information, variation_ratio, right_wrong };

}  // namespace winnow::metrics

template <>
struct winnow::EnumNames<winnow::metrics::Acquisition> {
  static constexpr EnumName<metrics::Acquisition> values[] = {
      {metrics::Acquisition::entropy, "entropy"},
      {metrics::Acquisition::mutual_information, "mutual-information"},
      {metrics::Acquisition::variation_ratio, "variation-ratio"},
      {metrics::Acquisition::right_wrong, "right-wrong"}};
};

namespace winnow::metrics {

/// Ensemble active learning.
struct ActiveLearningOptions {
  Acquisition acquisition = Acquisition::entropy;
  std::int64_t checkpoints = 1;
  double binary = 0.0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.acquisition,
          FieldInfo{.name = "acquisition",
                    .help = "Uncertainty of the ensemble; right-wrong needs no logits."});
    visit(self.checkpoints,
          FieldInfo{.name = "checkpoints",
                    .help = "Logged epochs of every run that are members of the ensemble, the last "
                            "ones.",
                    .unit = "epochs",
                    .min = 1});
    visit(self.binary, FieldInfo{.name = "binary",
                                 .help = "Score 1 for this share of the examples, the most "
                                         "uncertain, and 0 for the others; 0: graded scores.",
                                 .min = 0,
                                 .max = 1,
                                 .max_open = true});
  }
  /// @throws InvalidArgument naming the field.
  void validate() const { validate_fields(*this); }
};

/// Uncertainty of an ensemble about n examples, from the logits of its members, one at a time.
///
/// With p_m the softmax of member m, p their mean over the M members and H entropy in nats:
///
///     entropy             H(p)                       in [0, log c]
///     mutual-information  H(p) - (1/M) sum_m H(p_m)  in [0, log c]
///     variation-ratio     1 - max_k |{m : argmax p_m = k}| / M   in [0, 1), ties to the lowest k
///
/// Larger is more uncertain, taken as harder. Labels do not enter. Softmax and sums run in double.
/// Same bits for any number of threads. Memory O(n c).
///
/// Chitta, Alvarez, Haussmann and Farabet, "Training Data Subset Search with Ensemble Active
/// Learning", 2019, arXiv:1905.12737, where the members are checkpoints of a few trainings and the
/// subset grows in rounds: the ensemble of a round is trained on the subset of the round before.
/// These scores are one round, of an ensemble trained on what its runs were trained on.
class EnsembleUncertainty {
 public:
  /// @throws InvalidArgument  n < 1, n_classes < 2, or an acquisition that takes no logits.
  EnsembleUncertainty(std::int64_t n, std::int64_t n_classes, Acquisition acquisition);

  /// Adds a member. @param logits [n, c], finite.
  /// @throws InvalidArgument for another shape; NonFiniteInput naming the first row and column.
  void add(MatrixView<const float> logits);

  /// [n]. @throws InvalidArgument before the first add().
  std::vector<double> scores() const;

 private:
  Acquisition acquisition_;
  std::int64_t members_ = 0;
  Matrix<double> sums_;               ///< [n, c], of probabilities or votes
  std::vector<double> entropy_sums_;  ///< [n], of the members, for mutual-information
};

/// Disagreement of an ensemble of which only right and wrong is known: the variation ratio of the
/// two answers "the label" and "something else".
///
///     score_i = min(r, M - r) / M,   r members predict the label     in [0, 1/2]
///
/// With two classes that is the variation ratio; with more, at most it: members that are wrong in
/// different ways count as agreed, so what all get wrong scores 0.
///
/// @param correct  [M, n], bit (m, i): member m predicts the label of example i.
/// @throws InvalidArgument  no members or no examples.
/// The same for any number of threads. O(n M / 64) time.
std::vector<double> right_wrong_disagreement(const BitMatrix& correct);

/// 1 for the round(fraction n) highest scores, at least one, ties to the lower id; 0 for the
/// others.
///
/// The scores of "active-learning" that Sorscher et al. released with "Beyond neural scaling laws"
/// have this form: 1 for the images of the subset of 80 % of ImageNet that ensemble active
/// learning chose, 0 for the rest. By their own note they order nothing beyond that one cut.
///
/// @param fraction  in (0, 1).
/// @throws InvalidArgument  no scores, or a fraction out of range.
std::vector<double> most_uncertain(std::span<const double> scores, double fraction);

}  // namespace winnow::metrics
