#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/io/dynamics.hpp"

namespace winnow::metrics {

/// `--epoch`: which logged epochs a metric of one epoch is taken at.
struct EpochChoice {
  enum class Kind {
    early,  ///< the last logged of the first 20
    last,   ///< the last logged
    mean,   ///< the mean of the scores at all logged
    number
  };
  Kind kind = Kind::early;
  std::int64_t epoch = 0;  ///< of Kind::number

  static constexpr const char* forms = "EPOCH|early|last|mean";
  /// @throws InvalidArgument naming `field` and what it may be.
  static EpochChoice parse(std::string_view field, std::string_view text);
  std::string text() const;
};

/// Epochs of el2n, grand, margin, loss and entropy.
struct EpochOptions {
  EpochChoice epoch;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.epoch, {.name = "epoch",
                       .help = "Logged epoch (el2n, grand, margin, loss, entropy): a number, early "
                               "(the last of the first 20), last, or mean (of all scores)."});
  }
  void validate() const { validate_fields(*this); }
};

/// Rows of a log that the choice means.
/// @throws BadFile when no row is the epoch that was asked for; InvalidArgument when none is of the
///         first 20.
std::vector<std::int64_t> rows_of(const EpochChoice& choice, const io::Dynamics& run);

/// Cross-entropy loss, in nats, at least 0.
///
///     score_i = -log max(p_i, floor)
///
/// @param p_true  [n], probabilities of the labels.
/// @param floor   what a probability of 0 counts, so that scores stay finite; above 0.
std::vector<double> loss(std::span<const float> p_true, double floor);

/// Entropy of the prediction, whatever the label; in nats, in [0, log c].
///
///     score_i = -sum_c p_i,c log p_i,c,   p_i = softmax(logits_i)
///
/// @param logits  [n, c], finite, c >= 1. Softmax and sum run in double.
/// @return        [n]; larger is harder.
///
/// As a score for selection: Coleman et al., "Selection via Proxy", ICLR 2020, arXiv:1906.11829.
std::vector<double> entropy(MatrixView<const float> logits);

}  // namespace winnow::metrics
