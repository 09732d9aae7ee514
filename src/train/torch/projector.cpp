#include "train/torch/projector.hpp"

#include <cmath>

#include "train/torch/layers.hpp"

namespace winnow::train {

Projector::Projector(std::int64_t inputs, const SelfSupervisedOptions& options) {
  // As torch.nn.Linear starts.
  const auto uniform = [](std::int64_t width) {
    return Initial{Initial::Shape::uniform, 1.0 / std::sqrt(static_cast<double>(width))};
  };
  hidden_.weight =
      add("projector.0.weight", Parameter::Kind::head, {options.hidden, inputs}, uniform(inputs));
  add("projector.0.bias", Parameter::Kind::other, {options.hidden}, uniform(inputs));
  norm_ = add_batch_norm("projector.1", options.hidden);
  add_head("projector.3", options.hidden, options.outputs, uniform(options.hidden));
  if (options.method == SelfSupervision::swav) {
    // Their length is brought to 1, so that decay would mean nothing.
    prototypes_ = add("prototypes.weight", Parameter::Kind::other,
                      {options.prototypes, options.outputs}, {Initial::Shape::normal, 1.0});
  }
}

at::Tensor Projector::features(Layers& layers, const at::Tensor& rows) const {
  const at::Tensor hidden = layers.dense(hidden_, rows.flatten(1));
  const std::vector<std::int64_t> sizes{hidden.size(0), hidden.size(1), 1, 1};
  return layers.batch_norm(norm_, hidden.view(sizes), std::nullopt, true).flatten(1);
}

}  // namespace winnow::train
