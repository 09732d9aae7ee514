#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/io/dynamics.hpp"
#include "winnow/metrics/active_learning.hpp"
#include "winnow/metrics/bit_matrix.hpp"

namespace winnow::metrics {

/// Which of many runs' logs are read, and which of their epochs.
struct EnsembleReader {
  std::span<const std::filesystem::path> folders{};
  std::string_view metric{};            ///< for messages
  std::optional<std::int64_t> epoch{};  ///< unset: the last of each run
  std::int64_t checkpoints = 1;         ///< Logged epochs up to that one; at least 1.

  /// Opens one run after the other, checks that all are of the same examples (and test examples),
  /// and calls take(position, run, rows) with the rows of its log to read, oldest first.
  /// @throws InvalidArgument  no folder, or one twice; BadFile; DatasetMismatch.
  using Take =
      std::function<void(std::int64_t, const io::Dynamics&, std::span<const std::int64_t>)>;
  void for_each_run(Progress& progress, const Take& take) const;
};

/// The flags of many runs.
struct EnsembleLog {
  BitMatrix in_train;                ///< [runs, n]; empty unless asked for.
  BitMatrix flags;                   ///< [runs * checkpoints, n or n_test]
  std::vector<std::int64_t> epochs;  ///< [runs], the last that was read
  Fingerprint fingerprint;           ///< the first that is known
};

/// Reads `array` (correct or test_correct) of every run, and in_train with it when asked to.
EnsembleLog read_flags(const EnsembleReader& reader, io::DynamicsArray array, bool with_in_train,
                       Progress& progress);

/// What an ensemble is unsure of.
struct UncertaintyLog {
  std::vector<double> scores;        ///< [n]
  std::vector<std::int64_t> epochs;  ///< [runs], the last that was read
  Fingerprint fingerprint;           ///< the first that is known
};

/// Uncertainty of the logits of all runs, in blocks of as many examples as `bytes` hold; every
/// block opens every run.
UncertaintyLog read_uncertainty(const EnsembleReader& reader, Acquisition acquisition,
                                std::int64_t bytes, Progress& progress);

}  // namespace winnow::metrics
