#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::cli {

/// What `--labels` and `--data` say about the examples of some scores.
struct LabelSource {
  io::Labels labels;                     ///< empty when there are none
  std::unique_ptr<io::Dataset> dataset;  ///< null without --data
};

/// Opens both, either of which may be "". Labels come from --labels, else from the dataset.
/// @param n            scores.
/// @param fingerprint  of the scores.
/// @param scores_name  their file, for messages.
/// @throws DatasetMismatch when they are about other examples than the scores.
LabelSource open_label_source(const std::string& labels, const std::string& data, std::int64_t n,
                              const Fingerprint& fingerprint, const std::string& scores_name,
                              Progress& progress);

}  // namespace winnow::cli
