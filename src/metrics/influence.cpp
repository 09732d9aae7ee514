#include "winnow/metrics/influence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/ensemble.hpp"
#include "metrics/kernels/bit_kernels.hpp"
#include "winnow/core/error.hpp"

// With a = runs that trained on i and are right on j, b_j = runs right on j, k = runs that trained
// on i and M runs in all,
//
//     infl(i -> j) = a / k - (b_j - a) / (M - k) = (M a - k b_j) / (k (M - k))
//
// so that the scores are one division of whole numbers.

namespace winnow::metrics {

namespace {

/// Rows of the tiles that are counted at a time: with M = 2,000 they and the counts fit the
/// second-level cache.
constexpr std::int64_t chunk_rows = 512;

/// Examples that are compared with a chunk: the columns of one word.
constexpr std::int64_t rows_at_once = 64;

/// Rows of bits in tiles, and the ones in each row.
struct TiledBits {
  Matrix<std::uint64_t> tiles;       ///< [ceil(rows / tile_rows), words * tile_rows]
  std::vector<std::int32_t> totals;  ///< [rows]
  std::int64_t words = 0;
  std::int64_t rows = 0;

  /// Tiles of rows [begin, ...), at most chunk_rows of them; `begin` is a multiple of that.
  BitTiles chunk(std::int64_t begin) const {
    const std::int64_t count = std::min(chunk_rows, rows - begin);
    return {tiles.data() + begin / tile_rows * tiles.cols(), (count + tile_rows - 1) / tile_rows};
  }
};

TiledBits tiled(const BitMatrix& bits) {
  TiledBits result;
  result.rows = bits.rows();
  result.words = bits.used_words();
  result.tiles =
      Matrix<std::uint64_t>((bits.rows() + tile_rows - 1) / tile_rows, result.words * tile_rows);
  for (std::int64_t i = 0; i < bits.rows(); ++i) {
    const auto tile = result.tiles.row(i / tile_rows);
    const auto row = bits.words(i);
    for (std::int64_t w = 0; w < result.words; ++w) {
      tile[static_cast<std::size_t>(w * tile_rows + i % tile_rows)] =
          row[static_cast<std::size_t>(w)];
    }
    result.totals.push_back(static_cast<std::int32_t>(bits.count(i)));
  }
  return result;
}

/// What one example came to, as whole numbers: differences are M a - k b_j.
struct Found {
  std::int64_t runs_in = 0;  ///< k
  std::int64_t highest = std::numeric_limits<std::int64_t>::min();
  std::int64_t test = -1;        ///< The first with the highest difference.
  std::int64_t right_in = 0;     ///< a of that test example
  std::int64_t right_total = 0;  ///< b of it
  std::int64_t sum_abs = 0;
};

/// Unbiased variance of the mean of n values with that sum and sum of squares; n >= 2.
double variance_of_mean(std::int64_t sum, std::int64_t squares, std::int64_t n) {
  const auto size = static_cast<double>(n);
  const auto total = static_cast<double>(sum);
  const double deviations = static_cast<double>(squares) - total * total / size;
  return std::max(0.0, deviations) / (size * (size - 1.0));
}

class Estimator {
 public:
  Estimator(const BitMatrix& in_train, const BitMatrix& test_correct, std::int64_t min_runs)
      : in_train_(in_train),
        runs_(in_train.rows()),
        min_runs_(min_runs),
        by_test_(tiled(test_correct.transposed(0, test_correct.cols()))),
        by_run_(tiled(test_correct)) {}

  /// Writes the scores and errors of examples [begin, begin + count) that are not rare.
  void estimate(std::int64_t begin, std::int64_t count, InfluenceScores& out) const {
    const BitMatrix in = in_train_.transposed(begin, count);
    std::vector<Found> found(static_cast<std::size_t>(count));
    for (std::int64_t r = 0; r < count; ++r) {
      found[static_cast<std::size_t>(r)].runs_in = in.count(r);
    }
    BitMatrix signs(count, by_test_.rows);
    compare_with_tests(in, found, signs);
    const std::vector<double> sum_errors = errors_of_sums(in, found, signs);
    for (std::int64_t r = 0; r < count; ++r) {
      const auto position = static_cast<std::size_t>(r);
      write(found[position], sum_errors[position], static_cast<std::size_t>(begin + r), out);
    }
  }

 private:
  static BitRows rows_of(const BitMatrix& bits) {
    return {bits.words(0).data(), bits.rows(), static_cast<std::int64_t>(bits.words(0).size())};
  }

  void compare_with_tests(const BitMatrix& in, std::vector<Found>& found, BitMatrix& signs) const {
    const BitKernels& kernels = bit_kernels();
    Matrix<std::int32_t> counts(in.rows(), chunk_rows);
    for (std::int64_t begin = 0; begin < by_test_.rows; begin += chunk_rows) {
      const std::int64_t size = std::min(chunk_rows, by_test_.rows - begin);
      kernels.count_common(rows_of(in), by_test_.chunk(begin), by_test_.words, counts.data(),
                           chunk_rows);
      const std::int32_t* totals = by_test_.totals.data() + begin;
      for (std::int64_t r = 0; r < in.rows(); ++r) {
        Found& best = found[static_cast<std::size_t>(r)];
        const std::int32_t* row = counts.row(r).data();
        const Differences chunk = kernels.differences(row, totals, size, runs_, best.runs_in,
                                                      signs.words(r).data() + begin / 64);
        best.sum_abs += chunk.sum_abs;
        if (chunk.highest <= best.highest) continue;
        best.highest = chunk.highest;
        std::int64_t j = 0;
        while (runs_ * row[j] - best.runs_in * totals[j] != chunk.highest) ++j;
        best.test = begin + j;
        best.right_in = row[j];
        best.right_total = totals[j];
      }
    }
  }

  /// Standard error of sum_j s_ij infl(i -> j) for every example of a block: run m contributes
  /// sum_j s_ij [test j correct in m] to the mean of those with, or without, the example.
  std::vector<double> errors_of_sums(const BitMatrix& in, const std::vector<Found>& found,
                                     const BitMatrix& signs) const {
    const BitKernels& kernels = bit_kernels();
    Matrix<std::int32_t> counts(in.rows(), chunk_rows);
    std::vector<Moments> sums(static_cast<std::size_t>(in.rows()));
    for (std::int64_t begin = 0; begin < runs_; begin += chunk_rows) {
      const std::int64_t size = std::min(chunk_rows, runs_ - begin);
      kernels.count_common(rows_of(signs), by_run_.chunk(begin), by_run_.words, counts.data(),
                           chunk_rows);
      for (std::int64_t r = 0; r < in.rows(); ++r) {
        const Moments chunk = kernels.moments(counts.row(r).data(), by_run_.totals.data() + begin,
                                              size, in.words(r).data() + begin / 64);
        Moments& all = sums[static_cast<std::size_t>(r)];
        all.sum += chunk.sum;
        all.squares += chunk.squares;
        all.chosen_sum += chunk.chosen_sum;
        all.chosen_squares += chunk.chosen_squares;
      }
    }
    std::vector<double> errors(sums.size());
    for (std::size_t r = 0; r < sums.size(); ++r) {
      const Moments& all = sums[r];
      const std::int64_t runs_in = found[r].runs_in;
      const std::int64_t runs_out = runs_ - runs_in;
      if (std::min(runs_in, runs_out) < min_runs_) continue;
      errors[r] = std::sqrt(
          variance_of_mean(all.chosen_sum, all.chosen_squares, runs_in) +
          variance_of_mean(all.sum - all.chosen_sum, all.squares - all.chosen_squares, runs_out));
    }
    return errors;
  }

  void write(const Found& found, double sum_error, std::size_t i, InfluenceScores& out) const {
    const std::int64_t runs_out = runs_ - found.runs_in;
    if (std::min(found.runs_in, runs_out) < min_runs_) return;
    const auto scale = static_cast<double>(found.runs_in * runs_out);
    out.max[i] = static_cast<double>(found.highest) / scale;
    out.max_tests[i] = found.test;
    out.max_errors[i] = std::sqrt(share_variance(found.right_in, found.runs_in) +
                                  share_variance(found.right_total - found.right_in, runs_out));
    out.sum_abs[i] = static_cast<double>(found.sum_abs) / scale;
    out.sum_abs_errors[i] = sum_error;
  }

  const BitMatrix& in_train_;
  std::int64_t runs_;
  std::int64_t min_runs_;
  TiledBits by_test_;  ///< One row a test example, over runs.
  TiledBits by_run_;   ///< One row a run, over test examples.
};

void check_shapes(const BitMatrix& in_train, const BitMatrix& test_correct) {
  const std::int64_t runs = in_train.rows();
  const std::int64_t n_test = test_correct.cols();
  if (test_correct.rows() != runs || in_train.cols() == 0 || n_test == 0) {
    throw InvalidArgument(
        fmt::format("influence: in_train is [{}, {}] and test_correct [{}, {}]; expected the same "
                    "runs, at least one example and one test example",
                    runs, in_train.cols(), test_correct.rows(), n_test));
  }
  const auto larger = static_cast<double>(std::max(runs, n_test));
  if (larger * static_cast<double>(runs) * static_cast<double>(n_test) >= 0x1p62) {
    throw InvalidArgument(fmt::format(
        "influence: {} runs and {} test examples are more than 64-bit sums hold", runs, n_test));
  }
}

}  // namespace

InfluenceScores influence(const BitMatrix& in_train, const BitMatrix& test_correct,
                          const SubsampleOptions& options, Progress& progress) {
  options.validate();
  check_shapes(in_train, test_correct);
  const std::int64_t n = in_train.cols();
  const auto size = static_cast<std::size_t>(n);
  const std::vector<double> unknown(size, std::numeric_limits<double>::quiet_NaN());
  InfluenceScores result{.max = std::vector<double>(size),
                         .max_errors = unknown,
                         .max_tests = std::vector<std::int64_t>(size, -1),
                         .sum_abs = std::vector<double>(size),
                         .sum_abs_errors = unknown,
                         .rare = {}};
  const Estimator estimator(in_train, test_correct, options.min_runs);
  progress.stage("influence", n, "examples");
  for_example_blocks(n, rows_at_once, progress, [&](std::int64_t begin, std::int64_t count) {
    estimator.estimate(begin, count, result);
  });
  result.rare = ids_where(
      n, [&](std::int64_t i) { return result.max_tests[static_cast<std::size_t>(i)] < 0; });
  require_estimates(result.rare, n, options.min_runs);
  fill_rare(result.max, result.rare);
  fill_rare(result.sum_abs, result.rare);
  progress.done(fmt::format("{} runs, {} test examples", in_train.rows(), test_correct.cols()));
  return result;
}

}  // namespace winnow::metrics
