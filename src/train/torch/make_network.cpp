#include "train/torch/resnet.hpp"
#include "train/torch/vit.hpp"

namespace winnow::train {

namespace {

std::unique_ptr<Network> cifar_resnet(int blocks, const io::ImageShape& image,
                                      std::int64_t n_classes) {
  const ResNetShape shape{.channels = {16, 32, 64}, .blocks = {blocks, blocks, blocks}};
  return std::make_unique<ResNet>(shape, image.channels, n_classes);
}

std::unique_ptr<Network> wide_resnet(int depth, std::int64_t width, const io::ImageShape& image,
                                     std::int64_t n_classes) {
  return std::make_unique<WideResNet>(depth, width, image.channels, n_classes);
}

}  // namespace

std::unique_ptr<Network> make_network(const NetworkOptions& options, const io::ImageShape& image,
                                      std::int64_t n_classes) {
  const auto imagenet_resnet = [&](std::vector<int> blocks, bool bottleneck) {
    const ResNetShape shape{.channels = {64, 128, 256, 512},
                            .blocks = std::move(blocks),
                            .bottleneck = bottleneck,
                            .imagenet_stem = options.stem == Stem::imagenet};
    return std::make_unique<ResNet>(shape, image.channels, n_classes);
  };
  const auto vit = [&](std::int64_t width, std::int64_t heads) {
    return std::make_unique<ViT>(
        ViTShape{.patch_size = options.patch_size, .width = width, .heads = heads, .depth = 12},
        image, n_classes);
  };
  switch (options.model) {
    case NetworkModel::resnet8:
      return cifar_resnet(1, image, n_classes);
    case NetworkModel::resnet20:
      return cifar_resnet(3, image, n_classes);
    case NetworkModel::resnet56:
      return cifar_resnet(9, image, n_classes);
    case NetworkModel::resnet18:
      return imagenet_resnet({2, 2, 2, 2}, false);
    case NetworkModel::resnet34:
      return imagenet_resnet({3, 4, 6, 3}, false);
    case NetworkModel::resnet50:
      return imagenet_resnet({3, 4, 6, 3}, true);
    case NetworkModel::wrn_16_8:
      return wide_resnet(16, 8, image, n_classes);
    case NetworkModel::vit_ti:
      return vit(192, 3);
    case NetworkModel::vit_s:
      return vit(384, 6);
    case NetworkModel::vit_b:
      return vit(768, 12);
  }
  throw std::logic_error("unknown network");
}

}  // namespace winnow::train
