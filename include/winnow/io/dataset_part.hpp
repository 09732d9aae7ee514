#pragma once

#include <cstdint>
#include <memory>

#include "winnow/core/rng.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// n random examples of a dataset, in its order and with its keys, drawn from (seed,
/// "dataset-part"); classes keep their numbers. Its fingerprint is its own.
/// @throws InvalidArgument unless 1 <= n <= size().
std::unique_ptr<Dataset> random_part(std::unique_ptr<Dataset> dataset, std::int64_t n, Seed seed);

}  // namespace winnow::io
