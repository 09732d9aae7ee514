#include "train/torch/training.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "train/checks.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace {

constexpr std::int64_t shard_size = 32;
constexpr std::int64_t evaluation_size = 64;
constexpr double moments_momentum = 0.1;

Precision resolve(Precision wanted) {
  const bool converts = __builtin_cpu_supports("avx512bw") > 0 &&
                        __builtin_cpu_supports("avx512vl") > 0 &&
                        __builtin_cpu_supports("avx512dq") > 0;
  if (wanted == Precision::bf16 && !converts) {
    throw InvalidArgument("precision = bf16: this machine lacks AVX-512; take float32 or auto");
  }
  if (wanted != Precision::automatic) return wanted;
  return converts && __builtin_cpu_supports("avx512bf16") > 0 ? Precision::bf16
                                                              : Precision::float32;
}

ResNet make_network(const NetworkJob& job) {
  switch (job.options.model) {
    case NetworkModel::resnet8:
      return {job.train.shape.channels, job.n_classes, 1};
  }
  throw InvalidArgument("model: unknown network");
}

std::int64_t batch_size(const NetworkJob& job) {
  return std::min(job.options.batch_size, static_cast<std::int64_t>(job.subset.size()));
}

/// Images as the network takes them: the same memory seen as [n, channels, height, width].
at::Tensor as_input(const at::Tensor& pixels, at::ScalarType type) {
  return pixels.permute(std::vector<std::int64_t>{0, 3, 1, 2}).to(type);
}

at::Tensor pixel_tensor(const io::ImageShape& shape, std::int64_t count) {
  return at::empty(std::vector<std::int64_t>{count, shape.height, shape.width, shape.channels});
}

std::span<float> image_of(const at::Tensor& pixels, std::int64_t i) {
  const auto size = static_cast<std::size_t>(pixels.numel() / pixels.size(0));
  return {pixels.data_ptr<float>() + static_cast<std::size_t>(i) * size, size};
}

}  // namespace

Training::Training(const NetworkJob& job)
    : job_(job),
      precision_(resolve(job.options.precision)),
      type_(precision_ == Precision::bf16 ? at::kBFloat16 : at::kFloat),
      table_(job.train, job.subset),
      order_(job.subset, batch_size(job), job.options.seed),
      network_(make_network(job)),
      weights_(network_.initial_parameters(job.options.seed)),
      gradient_(weights_.size()),
      velocity_(weights_.size()) {
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : network_.parameters()) {
    const bool convolution = parameter.kind == Parameter::Kind::convolution;
    at::Tensor leaf = at::empty(parameter.sizes, convolution ? type_ : at::kFloat);
    if (convolution) leaf = leaf.contiguous(at::MemoryFormat::ChannelsLast);
    leaves_.push_back(leaf.requires_grad_());
  }
  refresh_leaves();
  for (const std::int64_t channels : network_.norms()) {
    running_.push_back(at::zeros(std::vector<std::int64_t>{2, channels}));
  }
  const std::int64_t batch = order_.batch_size();
  const std::int64_t n_shards = (batch + shard_size - 1) / shard_size;
  for (std::int64_t s = 0; s < n_shards; ++s) {
    const std::int64_t begin = s * batch / n_shards;
    shards_.push_back(make_shard(begin, (s + 1) * batch / n_shards - begin));
  }
}

Training::Shard Training::make_shard(std::int64_t begin, std::int64_t count) const {
  Shard shard;
  shard.begin = begin;
  shard.count = count;
  shard.pixels = pixel_tensor(job_.train.shape, count);
  shard.labels = at::empty(std::vector<std::int64_t>{count}, at::kLong);
  shard.gradient.resize(weights_.size());
  return shard;
}

void Training::run(Progress& progress) {
  const NetworkOptions& options = job_.options;
  const Schedule schedule(options.iterations, options.learning_rate);
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t step = 0; step < options.iterations; ++step) {
    const auto pass = static_cast<std::size_t>(order_.epochs_seen());
    const auto ids = order_.next();
    const auto placements = draw_placements(options.seed, step, order_.batch_size(),
                                            options.crop_padding, options.flip);
    parallel_blocks(static_cast<std::int64_t>(shards_.size()), progress, [&](std::int64_t s) {
      compute(shards_[static_cast<std::size_t>(s)], ids, placements);
    });
    combine(step);
    loss_sums_.resize(pass + 1, 0.0);
    loss_steps_.resize(pass + 1, 0);
    for (const Shard& shard : shards_) {
      loss_sums_[pass] += shard.loss / static_cast<double>(order_.batch_size());
    }
    ++loss_steps_[pass];
    update(schedule.rate(step));
    refresh_leaves();
    progress.advance(1);
  }
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Training::compute(Shard& shard, std::span<const std::int64_t> ids,
                       std::span<const Placement> placements) {
  for (std::int64_t i = 0; i < shard.count; ++i) {
    const auto at = static_cast<std::size_t>(shard.begin + i);
    write_image(job_.train, ids[at], table_, placements[at], image_of(shard.pixels, i));
    shard.labels.data_ptr<std::int64_t>()[i] = job_.train.labels[static_cast<std::size_t>(ids[at])];
  }
  ResNet::Output output = network_.train(leaves_, as_input(shard.pixels, type_));
  const at::Tensor loss =
      at::cross_entropy_loss(output.logits, shard.labels, {}, at::Reduction::Sum);
  const auto gradients = torch::autograd::grad({loss}, leaves_);
  shard.loss = loss.item<double>();
  shard.moments = std::move(output.moments);
  const at::NoGradGuard no_grad;
  float* target = shard.gradient.data();
  for (const at::Tensor& gradient : gradients) {
    at::from_blob(target, gradient.sizes()).copy_(gradient);
    target += gradient.numel();
  }
}

void Training::combine(std::int64_t step) {
  const at::NoGradGuard no_grad;
  const float share = 1.0F / static_cast<float>(order_.batch_size());
  std::fill(gradient_.begin(), gradient_.end(), 0.0F);
  for (const Shard& shard : shards_) {
    for (std::size_t i = 0; i < gradient_.size(); ++i) gradient_[i] += share * shard.gradient[i];
  }
  // The first step's moments are taken whole, so that short trainings have sound ones too.
  const double weight = std::max(moments_momentum, 1.0 / static_cast<double>(step + 1));
  for (std::size_t norm = 0; norm < running_.size(); ++norm) {
    running_[norm].mul_(1.0 - weight);
    for (const Shard& shard : shards_) {
      running_[norm].add_(shard.moments[norm], weight / static_cast<double>(shards_.size()));
    }
  }
}

void Training::update(double rate) {
  const auto momentum = static_cast<float>(job_.options.momentum);
  const auto step = static_cast<float>(rate);
  double square = 0.0;
  std::size_t i = 0;
  for (const Parameter& parameter : network_.parameters()) {
    const float decay = parameter.decays() ? static_cast<float>(job_.options.weight_decay) : 0.0F;
    const std::size_t end = i + static_cast<std::size_t>(parameter.size());
    for (; i < end; ++i) {
      square += static_cast<double>(gradient_[i]) * gradient_[i];
      const float slope = gradient_[i] + decay * weights_[i];
      velocity_[i] = momentum * velocity_[i] + slope;
      weights_[i] -= step * (slope + momentum * velocity_[i]);
    }
  }
  gradient_norm_ = std::sqrt(square);
}

void Training::refresh_leaves() {
  const at::NoGradGuard no_grad;
  float* source = weights_.data();
  for (at::Tensor& leaf : leaves_) {
    leaf.copy_(at::from_blob(source, leaf.sizes()));
    source += leaf.numel();
  }
}

std::vector<std::uint8_t> Training::evaluate(std::span<const std::int64_t> ids) const {
  const at::NoGradGuard no_grad;
  const auto count = static_cast<std::int64_t>(ids.size());
  const at::Tensor pixels = pixel_tensor(job_.test.shape, count);
  for (std::int64_t i = 0; i < count; ++i) {
    write_image(job_.test, ids[static_cast<std::size_t>(i)], table_, {}, image_of(pixels, i));
  }
  const at::Tensor logits = network_.evaluate(leaves_, as_input(pixels, type_), running_);
  std::vector<std::uint8_t> correct;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::span<const float> row(logits.data_ptr<float>() + i * job_.n_classes,
                                     static_cast<std::size_t>(job_.n_classes));
    const auto label = job_.test.labels[static_cast<std::size_t>(ids[static_cast<std::size_t>(i)])];
    correct.push_back(predicts(row, label) ? 1 : 0);
  }
  return correct;
}

NetworkResult Training::measure(Progress& progress) {
  NetworkResult result;
  const std::int64_t n = job_.test.size();
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  result.test_correct.resize(ids.size());
  parallel_blocks((n + evaluation_size - 1) / evaluation_size, progress, [&](std::int64_t block) {
    const auto begin = static_cast<std::size_t>(block * evaluation_size);
    const auto count = std::min<std::size_t>(evaluation_size, ids.size() - begin);
    const auto correct = evaluate(std::span(ids).subspan(begin, count));
    std::copy(correct.begin(), correct.end(),
              result.test_correct.begin() + static_cast<std::ptrdiff_t>(begin));
  });
  result.test_error = error_rate(result.test_correct);
  for (std::size_t pass = 0; pass < loss_sums_.size(); ++pass) {
    result.train_loss.push_back(loss_sums_[pass] / static_cast<double>(loss_steps_[pass]));
  }
  result.gradient_norm = gradient_norm_;
  result.epochs_seen = order_.epochs_seen();
  result.iterations = job_.options.iterations;
  result.n_parameters = network_.n_parameters();
  result.precision = precision_;
  result.images_per_second =
      static_cast<double>(result.iterations * order_.batch_size()) / seconds_;
  return result;
}

}  // namespace winnow::train
