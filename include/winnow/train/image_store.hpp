#pragma once

#include <cstdint>
#include <vector>

#include "winnow/core/progress.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

/// The images of a dataset for many passes or trainings: decoded into memory once where they take
/// at most a quarter of it, else read whenever they are needed. The dataset must live as long.
class ImageStore {
 public:
  /// @throws BadFile naming an unreadable image; Interrupted.
  explicit ImageStore(const io::Dataset& dataset, Progress& progress = silent());
  /// With the dataset's labels; where it has none, every label is 0.
  LabelledImages view() const;

 private:
  const io::Dataset& dataset_;
  std::vector<std::int32_t> labels_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace winnow::train
