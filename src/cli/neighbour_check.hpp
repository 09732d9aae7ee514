#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "cli/stages.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/rng.hpp"

namespace winnow::cli {

/// Rows that can be asked for: a matrix, or parts on disk.
struct RowSource {
  std::int64_t rows = 0;
  std::int64_t dimensions = 0;
  std::function<Matrix<float>(std::span<const std::int64_t> ids)> read;  ///< ids increase
};

/// Float32 numbers that a check of neighbours may hold.
constexpr std::int64_t most_checked_values = (std::int64_t{2} << 30U) / 4;

/// How well neighbours share a class: the encoder's rows and, when they fit into memory, the
/// pixels.
///
/// All rows when train and test rows together are at most `most_values` numbers, else a random
/// subset: at most 10,000 queries of the test rows and as many train rows as fit.
/// @param test  no rows: queries are train rows, each left out
/// @return {"k", "queries", "leave_one_out", "references" (of a subset only), "encoder", "pixels"},
///         or null without labels or when the check failed, which progress.warn() tells.
Json check_neighbours(const Splits& splits, const RowSource& train, const RowSource& test,
                      bool are_pixels, Seed seed, Progress& progress,
                      std::int64_t most_values = most_checked_values);

}  // namespace winnow::cli
