#include "train/torch/teacher.hpp"

#include <fmt/format.h>

#include "train/torch/layers.hpp"
#include "train/torch/parameters.hpp"
#include "winnow/core/error.hpp"

namespace winnow::train {

Teacher::Teacher(const std::filesystem::path& path, const io::ImageShape& shape,
                 std::int64_t n_classes, const PixelTable& table, at::ScalarType type,
                 const at::Device& device)
    : saved_(load_network(path)) {
  if (saved_.shape != shape || saved_.n_classes != n_classes) {
    throw InvalidArgument(fmt::format(
        "teacher {}: learned {} classes of {} x {} x {} images; expected {} of {} x {} x {}, as in "
        "the data",
        path.string(), saved_.n_classes, saved_.shape.height, saved_.shape.width,
        saved_.shape.channels, n_classes, shape.height, shape.width, shape.channels));
  }
  const at::NoGradGuard no_grad;
  leaves_ = make_leaves(*saved_.network, type, device);
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    leaves_[i].copy_(saved_.state.parameters[i]);
    leaves_[i].requires_grad_(false);
  }
  for (const at::Tensor& moments : saved_.state.moments) moments_.push_back(moments.to(device));
  // (x - m) / s = (z d + e - m) / s for the student's z = (x - e) / d.
  factor_ = at::empty({1, shape.channels, 1, 1});
  offset_ = at::empty({1, shape.channels, 1, 1});
  for (int c = 0; c < shape.channels; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    const double deviation = saved_.deviation[channel];
    factor_.data_ptr<float>()[c] = static_cast<float>(table.deviation()[channel] / deviation);
    offset_.data_ptr<float>()[c] =
        static_cast<float>((table.mean()[channel] - saved_.mean[channel]) / deviation);
  }
  factor_ = factor_.to(device);
  offset_ = offset_.to(device);
}

at::Tensor Teacher::logits(const at::Tensor& input) const {
  const at::NoGradGuard no_grad;
  EvaluationLayers layers(leaves_, moments_);
  return saved_.network->logits(layers, input * factor_ + offset_);
}

}  // namespace winnow::train
