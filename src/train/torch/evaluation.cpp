#include "train/torch/evaluation.hpp"

#include <algorithm>
#include <numeric>

#include "train/checks.hpp"
#include "train/torch/gradient_norms.hpp"
#include "train/torch/layers.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace {

constexpr std::int64_t images_a_thread = network_encoder_block;
constexpr std::int64_t images_a_device = 512;
constexpr std::int64_t gradient_images = 8;
/// Images whose logits are held at once.
constexpr std::int64_t images_a_piece = 4096;

std::vector<std::int64_t> range(std::int64_t begin, std::int64_t count) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), begin);
  return ids;
}

/// Runs work(begin, count) over [begin, begin + count) in blocks: side by side on the CPU, one
/// after the other elsewhere.
template <class Work>
void in_blocks(const Model& model, std::int64_t begin, std::int64_t count, std::int64_t block,
               Progress& progress, const Work& work) {
  const std::int64_t n_blocks = (count + block - 1) / block;
  const auto one = [&](std::int64_t b) {
    work(begin + b * block, std::min(block, count - b * block));
  };
  if (model.device.is_cpu()) {
    parallel_blocks(n_blocks, progress, one);
    return;
  }
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    one(b);
    progress.throw_if_cancelled();
  }
}

}  // namespace

at::Tensor as_input(const at::Tensor& pixels) {
  return pixels.permute(std::vector<std::int64_t>{0, 3, 1, 2});
}

at::Tensor pixel_tensor(const io::ImageShape& shape, std::int64_t count) {
  return at::empty(std::vector<std::int64_t>{count, shape.height, shape.width, shape.channels});
}

std::span<float> image_of(const at::Tensor& pixels, std::int64_t i) {
  const auto size = static_cast<std::size_t>(pixels.numel() / pixels.size(0));
  return {pixels.data_ptr<float>() + static_cast<std::size_t>(i) * size, size};
}

at::Tensor plain_input(const LabelledImages& images, std::span<const std::int64_t> ids,
                       const Model& model) {
  const auto size = static_cast<std::size_t>(images.shape.size());
  std::vector<std::uint8_t> bytes(ids.size() * size);
  gather_images(images, ids, bytes);
  const at::Tensor pixels = pixel_tensor(images.shape, static_cast<std::int64_t>(ids.size()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    write_image(std::span(bytes).subspan(i * size, size), images.shape, model.table, {},
                image_of(pixels, static_cast<std::int64_t>(i)));
  }
  return as_input(pixels).to(model.device);
}

void for_each_logits(const Model& model, const LabelledImages& images, const TakeLogits& take,
                     Progress& progress) {
  const std::int64_t block = model.device.is_cpu() ? images_a_thread : images_a_device;
  const std::int64_t n_classes = model.leaves.back().size(0);
  for (std::int64_t begin = 0; begin < images.size(); begin += images_a_piece) {
    const std::int64_t count = std::min(images_a_piece, images.size() - begin);
    const at::Tensor logits = at::empty({count, n_classes});
    in_blocks(model, begin, count, block, progress, [&](std::int64_t from, std::int64_t some) {
      const at::NoGradGuard no_grad;
      EvaluationLayers layers(model.leaves, model.moments);
      const at::Tensor input = plain_input(images, range(from, some), model);
      logits.narrow(0, from - begin, some).copy_(model.network.logits(layers, input));
    });
    take(begin, logits);
  }
}

Matrix<float> features_of(const Model& model, NetworkFeatures features,
                          const LabelledImages& images, std::span<const std::int64_t> ids,
                          Progress& progress) {
  const bool last = features == NetworkFeatures::last;
  const std::int64_t block = model.device.is_cpu() ? images_a_thread : images_a_device;
  const auto count = static_cast<std::int64_t>(ids.size());
  auto rows = Matrix<float>::uninitialized(
      count, last ? model.network.n_features() : model.network.n_quarters());
  in_blocks(model, 0, count, block, progress, [&](std::int64_t begin, std::int64_t some) {
    const at::NoGradGuard no_grad;
    EvaluationLayers layers(model.leaves, model.moments);
    const auto part = ids.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(some));
    const at::Tensor input = plain_input(images, part, model);
    const at::Tensor found =
        last ? model.network.features(layers, input) : model.network.quarters(layers, input);
    const at::Tensor plain = found.to(at::kCPU, at::kFloat).contiguous();
    std::copy_n(plain.data_ptr<float>(), plain.numel(), rows.row(begin).data());
  });
  return rows;
}

std::vector<std::uint8_t> correct_of(const Model& model, const LabelledImages& images,
                                     Progress& progress) {
  std::vector<std::uint8_t> correct;
  correct.reserve(static_cast<std::size_t>(images.size()));
  for_each_logits(
      model, images,
      [&](std::int64_t begin, const at::Tensor& logits) {
        const auto n_classes = static_cast<std::size_t>(logits.size(1));
        for (std::int64_t i = 0; i < logits.size(0); ++i) {
          const std::span<const float> row(logits.data_ptr<float>() + i * logits.size(1),
                                           n_classes);
          const auto label = images.labels[static_cast<std::size_t>(begin + i)];
          correct.push_back(predicts(row, label) ? 1 : 0);
        }
      },
      progress);
  return correct;
}

std::vector<float> gradient_norms_of(const Model& model, const LabelledImages& images,
                                     std::int64_t begin, std::int64_t count, Progress& progress) {
  std::vector<float> norms(static_cast<std::size_t>(count));
  in_blocks(
      model, begin, count, gradient_images, progress, [&](std::int64_t from, std::int64_t some) {
        const at::Tensor input = plain_input(images, range(from, some), model);
        const at::Tensor labels = at::empty({some}, at::kLong);
        for (std::int64_t i = 0; i < some; ++i) {
          labels.data_ptr<std::int64_t>()[i] = images.labels[static_cast<std::size_t>(from + i)];
        }
        const at::Tensor result = gradient_norms(model.network, model.leaves, model.moments, input,
                                                 labels.to(model.device))
                                      .to(at::kCPU);
        std::copy_n(result.data_ptr<float>(), some,
                    norms.begin() + static_cast<std::ptrdiff_t>(from - begin));
      });
  return norms;
}

}  // namespace winnow::train
