// One step of SelfSupervisedTraining against the same loss differentiated in one piece.
#include "train/torch/self_supervised_training.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "train/torch/layers.hpp"
#include "train/torch/parameters.hpp"
#include "train/torch/self_supervised_losses.hpp"
#include "unit/temp_folder.hpp"
#include "unit/train/quadrants.hpp"
#include "unit/train/torch/tensors.hpp"

namespace winnow::train {
namespace {

constexpr std::int64_t n_images = 40;  // Two shards a view.

at::Tensor unit(const at::Tensor& rows) {
  return rows / rows.norm(2, std::vector<std::int64_t>{1}, true);
}

/// Views of a batch through one graph: [views x images, features], normalised shard by shard.
at::Tensor features_of_views(const Network& network, const std::vector<at::Tensor>& leaves,
                             const LabelledImages& images, const std::vector<BatchView>& views,
                             const PixelTable& table, std::span<const std::int64_t> ids) {
  const auto size = static_cast<std::size_t>(images.shape.size());
  std::vector<at::Tensor> all;
  for (const BatchView& view : views) {
    std::vector<at::Tensor> rows(ids.size());
    for (const std::size_t begin : {0U, 20U}) {
      const at::Tensor pixels = pixel_tensor(view.shape, 20);
      for (std::size_t i = 0; i < 20; ++i) {
        const auto place = static_cast<std::size_t>(view.order[begin + i]);
        write_part(images.pixels.subspan(static_cast<std::size_t>(ids[place]) * size, size),
                   images.shape, table, view.placements[place], view.shape,
                   image_of(pixels, static_cast<std::int64_t>(i)));
      }
      TrainingLayers layers(leaves, network.norms().size());
      const at::Tensor features = network.features(layers, as_input(pixels));
      for (std::size_t i = 0; i < 20; ++i) {
        rows[static_cast<std::size_t>(view.order[begin + i])] =
            features[static_cast<std::int64_t>(i)];
      }
    }
    all.push_back(at::stack(rows));
  }
  return at::cat(all);
}

at::Tensor whole_loss(const SelfSupervisedOptions& options, const at::Tensor& outputs,
                      const at::Tensor& prototypes, std::size_t n_views) {
  if (options.method == SelfSupervision::simclr) {
    return normalised_contrast(outputs, options.temperature);
  }
  std::vector<at::Tensor> scores;
  for (std::size_t v = 0; v < n_views; ++v) {
    scores.push_back(at::matmul(
        outputs.narrow(0, static_cast<std::int64_t>(v) * n_images, n_images), prototypes.t()));
  }
  return swapped_prediction(scores,
                            {sinkhorn(scores[0], options.epsilon, options.sinkhorn_iterations),
                             sinkhorn(scores[1], options.epsilon, options.sinkhorn_iterations)},
                            options.temperature);
}

class OneStep : public ::testing::TestWithParam<SelfSupervision> {};

TEST_P(OneStep, FollowsTheGradientOfTheWholeBatch) {
  const Quadrants images(n_images, {16, 16, 3}, Seed{1});
  SelfSupervisedOptions options{.method = GetParam(),
                                .epochs = 1e-6,
                                .batch_size = n_images,
                                .optimizer = Optimizer::sgd,
                                .learning_rate = 0.5,
                                .weight_decay = 0.0,
                                .hidden = 12,
                                .outputs = 6,
                                .small_crops = 2,
                                .prototypes = 5,
                                .precision = Precision::float32,
                                .device = Device::cpu,
                                .seed = Seed{3}};
  options = resolve(options, images.shape, n_images);
  const SelfSupervisedJob job{.images = images.view(),
                              .test = {},
                              .options = options,
                              .files = {},
                              .watch = {},
                              .identity = "",
                              .threads = 2};
  const auto result = SelfSupervisedTraining(job, silent()).run(silent());
  const testing::TempFolder folder;
  result.encoder->save(folder / "w.safetensors");
  const SavedNetwork after = load_network(folder / "w.safetensors");

  const NetworkOptions structure = network_options(options, images.shape, n_images);
  const auto network = make_network(structure, images.shape, 1);
  const Projector projector(network->n_features(), options);
  const auto started = [&](const Network& n) {
    const at::NoGradGuard no_grad;
    const at::Tensor flat = flat_parameters(n, n.initial_parameters(options.seed), at::kCPU);
    auto leaves = make_leaves(n, at::kFloat, at::kCPU);
    const auto views = parameter_views(n, flat);
    for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].copy_(views[i]);
    return leaves;
  };
  const auto leaves = started(*network);
  const auto head = started(projector);
  std::vector<std::int64_t> ids(n_images);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  const PixelTable table(images.view(), ids);
  BatchOrder order(ids, n_images, options.seed);
  const auto views = draw_views(options, images.shape, n_images, 0);
  const at::Tensor features =
      features_of_views(*network, leaves, images.view(), views, table, order.next());
  TrainingLayers layers(head, projector.norms().size());
  const at::Tensor outputs =
      unit(projector.logits(layers, features.view({features.size(0), features.size(1), 1, 1})));
  const at::Tensor prototypes =
      projector.has_prototypes() ? unit(head[projector.prototypes()].detach()) : at::Tensor();
  const at::Tensor loss = whole_loss(options, outputs, prototypes, views.size());
  EXPECT_NEAR(result.loss.at(0), loss.item<double>(), 1e-5);
  const std::vector<at::Tensor> learned(leaves.begin(), leaves.end() - 2);
  const auto gradients = torch::autograd::grad({loss}, learned);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < learned.size(); ++i) {
    // Nesterov's first step: (1 + momentum) times the gradient.
    const at::Tensor expected = learned[i] - 0.5 * 1.9 * gradients[i];
    EXPECT_LT(largest_difference(after.state.parameters[i], expected), 2e-5)
        << network->parameters()[i].name;
    EXPECT_GT(largest_difference(after.state.parameters[i], learned[i]), 1e-4)
        << network->parameters()[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, OneStep,
                         ::testing::Values(SelfSupervision::swav, SelfSupervision::simclr),
                         [](const auto& method) { return std::string(enum_name(method.param)); });

}  // namespace
}  // namespace winnow::train
