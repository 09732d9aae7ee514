#include "train/torch/parameters.hpp"

namespace winnow::train {

std::vector<at::Tensor> parameter_views(const Network& network, const at::Tensor& flat) {
  std::vector<at::Tensor> views;
  std::int64_t begin = 0;
  for (const Parameter& parameter : network.parameters()) {
    const at::Tensor part = flat.narrow(0, begin, parameter.size());
    const auto& sizes = parameter.sizes;
    views.push_back(sizes.size() == 4
                        ? part.view({sizes[0], sizes[2], sizes[3], sizes[1]}).permute({0, 3, 1, 2})
                        : part.view(sizes));
    begin += parameter.size();
  }
  return views;
}

at::Tensor flat_parameters(const Network& network, const std::vector<float>& values,
                           const at::Device& device) {
  at::Tensor flat = at::empty({network.n_parameters()}, at::kFloat);
  const auto views = parameter_views(network, flat);
  const float* source = values.data();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto& sizes = network.parameters()[i].sizes;
    views[i].copy_(at::from_blob(const_cast<float*>(source), sizes));
    source += views[i].numel();
  }
  return flat.to(device);
}

std::vector<at::Tensor> make_leaves(const Network& network, at::ScalarType type,
                                    const at::Device& device) {
  std::vector<at::Tensor> leaves;
  for (const Parameter& parameter : network.parameters()) {
    const bool product = parameter.kind == Parameter::Kind::product;
    const auto options = at::TensorOptions(product ? type : at::kFloat).device(device);
    at::Tensor leaf = at::zeros(parameter.sizes, options);
    if (parameter.sizes.size() == 4) leaf = leaf.contiguous(at::MemoryFormat::ChannelsLast);
    leaves.push_back(leaf.requires_grad_());
  }
  return leaves;
}

}  // namespace winnow::train
