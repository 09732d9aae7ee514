#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

/// Images without their labels: decoded into memory where they take at most a quarter of it, else
/// read when they are needed.
class ImageStore {
 public:
  explicit ImageStore(const io::Dataset& dataset, Progress& progress);
  /// Every label is 0.
  LabelledImages view() const;

 private:
  const io::Dataset& dataset_;
  std::vector<std::int32_t> labels_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace winnow::train
