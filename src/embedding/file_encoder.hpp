#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/io/dataset.hpp"

// What encoders from files, and those that could be saved to one, have in common.

namespace winnow::embedding {

/// Hash of a file's bytes, as sidecars name it.
std::string content_hash(const std::filesystem::path& file);

/// Pixels of the examples [begin, begin + count), one image after the other.
std::vector<std::uint8_t> read_range(const io::Dataset& dataset, std::int64_t begin,
                                     std::int64_t count);

/// @throws NonFiniteInput naming the encoder, the example and the column of a NaN or Inf.
/// @param rows  of the examples from `begin` on
void require_finite_rows(MatrixView<const float> rows, const io::Dataset& dataset,
                         std::int64_t begin, const std::string& encoder);

}  // namespace winnow::embedding
