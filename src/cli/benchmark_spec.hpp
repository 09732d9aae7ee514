#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/training_source.hpp"
#include "winnow/experiments/benchmark.hpp"

namespace winnow::cli {

/// What `winnow benchmark` is asked for: data and study.
struct BenchmarkSpec {
  TrainingSource source;
  std::int64_t examples = 0;  ///< A random part of the training set; 0: all of it.
  experiments::BenchmarkOptions options;
};

/// Reads a specification (docs/benchmark.md).
/// @param data       takes the place of the file's dataset and test set unless "".
/// @param test_data  takes the place of the test set unless "".
/// @throws BadFile naming line and column of a TOML mistake, or the line of a key that is unknown
///         (and the near one) or has a value of another kind or out of range.
BenchmarkSpec read_benchmark_spec(const std::filesystem::path& path, const std::string& data,
                                  const std::string& test_data);

}  // namespace winnow::cli
