#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"

namespace winnow {
namespace metrics {

/// What a run counts for an example that it never got right.
enum class NeverLearned { epochs, max, inf, zero };

}  // namespace metrics

template <>
struct EnumNames<metrics::NeverLearned> {
  static constexpr EnumName<metrics::NeverLearned> values[] = {
      {metrics::NeverLearned::epochs, "epochs"},
      {metrics::NeverLearned::max, "max"},
      {metrics::NeverLearned::inf, "inf"},
      {metrics::NeverLearned::zero, "zero"}};
};

namespace metrics {

struct ForgettingOptions {
  NeverLearned never_learned = NeverLearned::epochs;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.never_learned,
          {.name = "never-learned",
           .help = "What an example counts in a run that never got it right (forgetting): the "
                   "logged epochs, the largest count of the others, 1e9, or 0."});
  }
  void validate() const { validate_fields(*this); }
};

/// What stands for infinity: above any count, and still a number that other commands take.
inline constexpr double infinitely_forgotten = 1e9;

/// Times that one run forgot each example, -1 for those that it never got right.
///
///     count_i = #{t : correct_t,i = 1, correct_t+1,i = 0}
///
/// @param correct  [epochs][n], 0 or 1, epochs >= 1: the rows may lie anywhere.
/// @return         [n], in [-1, epochs / 2]. O(epochs n) time.
/// @throws InvalidArgument for a value besides 0 and 1, without saying where.
std::vector<std::int32_t> forgetting_counts(std::span<const std::span<const std::uint8_t>> correct);
std::vector<std::int32_t> forgetting_counts(MatrixView<const std::uint8_t> correct);

/// Forgetting difficulty of one run: the counts, and for what it never got right
///
///     epochs   the number of logged epochs, as the code of the paper's authors has it
///     max      the largest count of the examples that it did get right, 0 when there is none
///     inf      infinitely_forgotten: harder than anything
///     zero     0: codes that only count transitions, as that of CCS (Zheng et al. 2023)
///
/// @param counts  [n], of forgetting_counts().
/// @param epochs  logged epochs.
/// @return        [n]; larger is harder.
///
/// Toneva et al., "An Empirical Study of Example Forgetting during Deep Neural Network Learning",
/// ICLR 2019, arXiv:1812.05159. There, correctness is that of an example's batch while it is
/// trained on; a log has it in evaluation mode after the epoch.
std::vector<double> forgetting(std::span<const std::int32_t> counts, std::int64_t epochs,
                               const ForgettingOptions& options);
/// What forgetting() gives an example whose count is -1.
/// @param largest  of the run's counts.
double never_learned_score(std::int32_t largest, std::int64_t epochs,
                           const ForgettingOptions& options);

}  // namespace metrics
}  // namespace winnow
