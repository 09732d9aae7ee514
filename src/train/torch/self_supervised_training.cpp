#include "train/torch/self_supervised_training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "train/torch/layers.hpp"
#include "train/torch/network_encoder.hpp"
#include "train/torch/parameters.hpp"
#include "train/torch/runtime.hpp"
#include "train/torch/self_supervised_losses.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace {

constexpr std::int64_t shard_size = 32;
constexpr double moments_momentum = 0.1;
constexpr double smallest_length = 1e-12;
constexpr double collapsed_spread = 0.1;
/// Encoders have no classes; a network has a last layer, which whoever trains on starts anew.
constexpr std::int64_t no_classes = 1;

std::vector<std::int64_t> all_ids(std::int64_t n) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  return ids;
}

at::Tensor unit_rows(const at::Tensor& rows) {
  return rows / rows.norm(2, std::vector<std::int64_t>{1}, true).clamp_min(smallest_length);
}

}  // namespace

SelfSupervisedTraining::Learner::Learner(const Network& structure, const NetworkOptions& options,
                                         at::ScalarType type, const at::Device& where)
    : network(structure),
      device(where),
      weights(flat_parameters(structure, structure.initial_parameters(options.seed), where)),
      gradient(at::zeros_like(weights)),
      gradient_views(parameter_views(structure, gradient)),
      leaves(make_leaves(structure, type, where)),
      optimizer(structure, options, where) {
  refresh();
}

void SelfSupervisedTraining::Learner::refresh() const {
  const at::NoGradGuard no_grad;
  const auto views = parameter_views(network, weights);
  for_each_parameter(network, device, [&](std::size_t i) { leaves[i].copy_(views[i]); });
}

void SelfSupervisedTraining::Learner::update(double rate, std::int64_t step) {
  const at::NoGradGuard no_grad;
  optimizer.update(weights, gradient, rate, step);
  refresh();
}

SelfSupervisedTraining::SelfSupervisedTraining(const SelfSupervisedJob& job, Progress& progress)
    : job_(job),
      device_(resolve_device(job.options.device)),
      precision_(resolve_precision(job.options.precision, device_)),
      structure_(network_options(job.options, job.images.shape, job.images.size())),
      table_(job.images, all_ids(job.images.size()), progress),
      order_(all_ids(job.images.size()), job.options.batch_size, job.options.seed),
      network_(make_network(structure_, job.images.shape, no_classes)),
      projector_(network_->n_features(), job.options),
      backbone_(*network_, structure_, precision_ == Precision::bf16 ? at::kBFloat16 : at::kFloat,
                device_),
      head_(projector_, structure_, at::kFloat, device_) {
  const at::NoGradGuard no_grad;
  for (const NormName& norm : network_->norms()) {
    running_.push_back(at::zeros({2, norm.channels}, backbone_.weights.options()));
    running_.back()[1].fill_(1.0);
  }
  if (projector_.has_prototypes() && job.options.queue > 0) {
    queue_ = at::zeros({2, job.options.queue, job.options.outputs}, head_.weights.options());
  }
  normalise_prototypes();
}

SelfSupervisedResult SelfSupervisedTraining::run(Progress& progress) {
  const std::int64_t iterations = structure_.iterations;
  const Schedule schedule(iterations, structure_.learning_rate, structure_.warm_up,
                          structure_.schedule);
  const PassCounter passes(job_.images.size(), order_.batch_size(), iterations);
  const bool resumed = job_.files.resume && load();
  progress.stage(
      fmt::format("learn {} ({})", enum_name(structure_.model), enum_name(job_.options.method)),
      iterations, "steps");
  if (resumed) progress.advance(iteration_);
  while (iteration_ < iterations) {
    step(schedule, progress);
    if (passes.ended_by(iteration_) > 0) end_pass(progress);
  }
  progress.done(fmt::format("loss {:.4f}", losses_.back()));
  return {.encoder = encoder(),
          .loss = losses_,
          .spread = spreads_,
          .collapsed = spreads_.back() < collapsed_spread,
          .iterations = iteration_,
          .images_per_second =
              static_cast<double>(steps_here_ * order_.batch_size()) / std::max(seconds_, 1e-9)};
}

void SelfSupervisedTraining::step(const Schedule& schedule, Progress& progress) {
  const auto begin = std::chrono::steady_clock::now();
  const auto ids = order_.next();
  const auto views = draw_views(job_.options, job_.images.shape, order_.batch_size(), iteration_);
  std::vector<Shard> shards = cut(views);
  for_each_shard(0, shards.size(), progress, [&](std::size_t s) {
    forward(shards[s], views[static_cast<std::size_t>(shards[s].view)], ids);
  });
  const auto n_views = static_cast<std::int64_t>(views.size());
  const at::Tensor features = at::empty({n_views * order_.batch_size(), network_->n_features()},
                                        backbone_.weights.options());
  {
    const at::NoGradGuard no_grad;
    for (const Shard& shard : shards) features.index_copy_(0, shard.rows, shard.features);
  }
  const at::Tensor gradient = backward_from_loss(features, n_views);
  backward(shards, gradient, progress);
  add_moments(shards, views);
  rate_ = schedule.rate(iteration_);
  backbone_.update(rate_, iteration_);
  head_.update(rate_, iteration_);
  normalise_prototypes();
  ++iteration_;
  ++steps_here_;
  ++pass_steps_;
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  progress.advance(1);
}

std::vector<SelfSupervisedTraining::Shard> SelfSupervisedTraining::cut(
    const std::vector<BatchView>& views) const {
  const std::int64_t batch = order_.batch_size();
  const std::int64_t parts = device_.is_cpu() ? (batch + shard_size - 1) / shard_size : 1;
  std::vector<Shard> shards;
  for (std::size_t v = 0; v < views.size(); ++v) {
    const auto view = static_cast<std::int64_t>(v);
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t begin = part * batch / parts;
      const std::int64_t count = (part + 1) * batch / parts - begin;
      Shard shard;
      shard.view = view;
      shard.images = std::span(views[v].order)
                         .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
      shard.rows = at::empty(std::vector<std::int64_t>{count}, at::kLong);
      for (std::int64_t i = 0; i < count; ++i) {
        shard.rows.data_ptr<std::int64_t>()[i] =
            view * batch + shard.images[static_cast<std::size_t>(i)];
      }
      shard.rows = shard.rows.to(device_);
      shards.push_back(std::move(shard));
    }
  }
  return shards;
}

/// Calls work(shard) for [first, first + count): side by side on the CPU, else one after the other.
template <class Work>
void SelfSupervisedTraining::for_each_shard(std::size_t first, std::size_t count,
                                            Progress& progress, const Work& work) {
  if (device_.is_cpu()) {
    parallel_blocks(static_cast<std::int64_t>(count), progress,
                    [&](std::int64_t s) { work(first + static_cast<std::size_t>(s)); });
    return;
  }
  for (std::size_t s = first; s < first + count; ++s) work(s);
  progress.throw_if_cancelled();
}

void SelfSupervisedTraining::forward(Shard& shard, const BatchView& view,
                                     std::span<const std::int64_t> ids) {
  const io::ImageShape& shape = job_.images.shape;
  const auto size = static_cast<std::size_t>(shape.size());
  std::vector<std::int64_t> some;
  for (const std::int64_t place : shard.images)
    some.push_back(ids[static_cast<std::size_t>(place)]);
  std::vector<std::uint8_t> bytes(some.size() * size);
  gather_images(job_.images, some, bytes);
  const at::Tensor pixels = pixel_tensor(view.shape, static_cast<std::int64_t>(some.size()));
  for (std::size_t i = 0; i < some.size(); ++i) {
    write_part(std::span(bytes).subspan(i * size, size), shape, table_,
               view.placements[static_cast<std::size_t>(shard.images[i])], view.shape,
               image_of(pixels, static_cast<std::int64_t>(i)));
  }
  TrainingLayers layers(backbone_.leaves, network_->norms().size());
  shard.features = network_->features(layers, as_input(pixels).to(device_)).to(at::kFloat);
  shard.moments = std::move(layers.moments());
}

at::Tensor SelfSupervisedTraining::backward_from_loss(const at::Tensor& features,
                                                      std::int64_t n_views) {
  const at::Tensor rows = features.detach().requires_grad_();
  TrainingLayers layers(head_.leaves, projector_.norms().size());
  const std::vector<std::int64_t> sizes{rows.size(0), rows.size(1), 1, 1};
  const at::Tensor outputs = unit_rows(projector_.logits(layers, rows.view(sizes)));
  const at::Tensor loss = loss_of(outputs, n_views);
  const double value = loss.item<double>();
  if (!std::isfinite(value)) {
    throw WorkFailed(fmt::format(
        "{}: the loss of step {} is {}; expected a finite number; lower --ssl-learning-rate ({})",
        enum_name(job_.options.method), iteration_, value, structure_.learning_rate));
  }
  loss_sum_ += value;
  spread_sum_ += spread_of(outputs.narrow(0, 0, order_.batch_size()));
  std::vector<at::Tensor> inputs{rows};
  inputs.insert(inputs.end(), head_.leaves.begin(), head_.leaves.end());
  const auto gradients = torch::autograd::grad({loss}, inputs);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < head_.leaves.size(); ++i) {
    head_.gradient_views[i].copy_(gradients[i + 1]);
  }
  if (frozen()) head_.gradient_views[projector_.prototypes()].zero_();
  return gradients.front();
}

at::Tensor SelfSupervisedTraining::loss_of(const at::Tensor& outputs, std::int64_t n_views) {
  if (job_.options.method == SelfSupervision::swav) return cluster_loss(outputs, n_views);
  return normalised_contrast(outputs, job_.options.temperature);
}

at::Tensor SelfSupervisedTraining::cluster_loss(const at::Tensor& outputs, std::int64_t n_views) {
  const SelfSupervisedOptions& options = job_.options;
  const std::int64_t batch = order_.batch_size();
  const at::Tensor& prototypes = head_.leaves[projector_.prototypes()];
  const at::Tensor scores = at::matmul(outputs, prototypes.t());
  std::vector<at::Tensor> views;
  std::vector<at::Tensor> assignments;
  for (std::int64_t v = 0; v < n_views; ++v) views.push_back(scores.narrow(0, v * batch, batch));
  for (std::int64_t v = 0; v < 2; ++v) {
    at::Tensor assigned = views[static_cast<std::size_t>(v)].detach();
    if (queue_in_use()) {
      assigned = at::cat({assigned, at::matmul(queue_[v], prototypes.detach().t())});
    }
    assignments.push_back(
        sinkhorn(assigned, options.epsilon, options.sinkhorn_iterations).narrow(0, 0, batch));
  }
  if (queue_.defined()) remember(outputs, batch);
  return swapped_prediction(views, assignments, options.temperature);
}

void SelfSupervisedTraining::remember(const at::Tensor& outputs, std::int64_t batch) {
  const at::NoGradGuard no_grad;
  const std::int64_t length = queue_.size(1);
  const std::int64_t count = std::min(batch, length);
  for (std::int64_t v = 0; v < 2; ++v) {
    const at::Tensor old = queue_[v].narrow(0, 0, length - count).clone();
    queue_[v].narrow(0, count, length - count).copy_(old);
    queue_[v].narrow(0, 0, count).copy_(outputs.narrow(0, v * batch, count));
  }
  queued_ += count;
}

void SelfSupervisedTraining::backward(std::vector<Shard>& shards, const at::Tensor& gradient,
                                      Progress& progress) {
  const std::size_t wave =
      device_.is_cpu() ? static_cast<std::size_t>(std::max(1, job_.threads)) : 1;
  // The last layer, weight and bias, is above the features.
  const std::vector<at::Tensor> leaves(backbone_.leaves.begin(), backbone_.leaves.end() - 2);
  std::vector<std::vector<at::Tensor>> found(wave);
  backbone_.gradient.zero_();
  for (std::size_t first = 0; first < shards.size(); first += wave) {
    const std::size_t count = std::min(wave, shards.size() - first);
    for_each_shard(first, count, progress, [&](std::size_t s) {
      Shard& shard = shards[s];
      const at::Tensor rows = gradient.index_select(0, shard.rows);
      found[s - first] = torch::autograd::grad({shard.features}, leaves, {rows});
      shard.features.reset();
    });
    const at::NoGradGuard no_grad;
    for (std::size_t s = 0; s < count; ++s) {
      for_each_parameter(*network_, device_, [&](std::size_t i) {
        if (i < leaves.size()) backbone_.gradient_views[i].add_(found[s][i]);
      });
    }
  }
}

void SelfSupervisedTraining::add_moments(const std::vector<Shard>& shards,
                                         const std::vector<BatchView>& views) {
  const at::NoGradGuard no_grad;
  const auto full = [&](const Shard& shard) {
    return views[static_cast<std::size_t>(shard.view)].full(job_.images.shape);
  };
  const auto count = static_cast<double>(std::ranges::count_if(shards, full));
  const double share = std::max(moments_momentum, 1.0 / static_cast<double>(iteration_ + 1));
  for (std::size_t norm = 0; norm < running_.size(); ++norm) {
    running_[norm].mul_(1.0 - share);
    for (const Shard& shard : shards) {
      if (full(shard)) running_[norm].add_(shard.moments[norm], share / count);
    }
  }
}

void SelfSupervisedTraining::normalise_prototypes() {
  if (!projector_.has_prototypes()) return;
  const at::NoGradGuard no_grad;
  const at::Tensor prototypes = parameter_views(projector_, head_.weights)[projector_.prototypes()];
  prototypes.copy_(unit_rows(prototypes));
  head_.refresh();
}

bool SelfSupervisedTraining::frozen() const {
  const auto seen = static_cast<double>(iteration_ * order_.batch_size());
  return projector_.has_prototypes() &&
         seen < job_.options.freeze * static_cast<double>(job_.images.size());
}

bool SelfSupervisedTraining::queue_in_use() const {
  const auto seen = static_cast<double>(iteration_ * order_.batch_size());
  return queue_.defined() && queued_ >= queue_.size(1) &&
         seen >= job_.options.queue_start * static_cast<double>(job_.images.size());
}

void SelfSupervisedTraining::end_pass(Progress& progress) {
  const auto steps = static_cast<double>(pass_steps_);
  losses_.push_back(loss_sum_ / steps);
  spreads_.push_back(spread_sum_ / steps);
  loss_sum_ = spread_sum_ = 0.0;
  pass_steps_ = 0;
  ++passes_;
  const SelfSupervisedWatch& watch = job_.watch;
  if (watch.observer != nullptr) {
    const Model model{*network_, backbone_.leaves, running_, table_, device_};
    const Matrix<float> references =
        features_of(model, watch.features, job_.images, watch.references, progress);
    const Matrix<float> queries =
        features_of(model, watch.features, job_.test, watch.queries, progress);
    watch.observer->pass({.epoch = passes_,
                          .iteration = iteration_,
                          .loss = losses_.back(),
                          .learning_rate = rate_,
                          .spread = spreads_.back(),
                          .seconds = seconds_},
                         references, queries);
  }
  if (!job_.files.checkpoint.empty()) save_checkpoint(job_.files.checkpoint, checkpoint());
}

Checkpoint SelfSupervisedTraining::checkpoint() {
  Checkpoint all;
  for (const auto& [name, learner] : {std::pair{"network", &backbone_}, {"projector", &head_}}) {
    all.tensors.emplace_back(name, learner->weights);
    for (std::size_t i = 0; i < learner->optimizer.moments().size(); ++i) {
      all.tensors.emplace_back(fmt::format("{}.moment{}", name, i),
                               learner->optimizer.moments()[i]);
    }
  }
  for (std::size_t i = 0; i < running_.size(); ++i) {
    all.tensors.emplace_back(network_->norms()[i].name, running_[i]);
  }
  if (queue_.defined()) all.tensors.emplace_back("queue", queue_);
  Json options = options_json(job_.options);
  options["method"] = enum_name(job_.options.method);
  options["precision"] = enum_name(precision_);
  options["seed"] = job_.options.seed.value;
  all.progress = {{"identity", job_.identity}, {"options", std::move(options)},
                  {"iteration", iteration_},   {"passes", passes_},
                  {"queued", queued_},         {"losses", losses_},
                  {"spreads", spreads_}};
  return all;
}

bool SelfSupervisedTraining::load() {
  const auto& path = job_.files.checkpoint;
  if (path.empty() || !std::filesystem::exists(path)) return false;
  const at::NoGradGuard no_grad;
  Checkpoint all = checkpoint();
  load_checkpoint(path, all, "options or data", [this](const Json& progress) {
    iteration_ = progress.at("iteration");
    passes_ = progress.at("passes");
    queued_ = progress.at("queued");
    losses_ = progress.at("losses").get<std::vector<double>>();
    spreads_ = progress.at("spreads").get<std::vector<double>>();
  });
  order_.skip(iteration_);
  backbone_.refresh();
  head_.refresh();
  if (job_.watch.observer != nullptr) job_.watch.observer->resumed(passes_);
  return true;
}

std::unique_ptr<NetworkEncoder> SelfSupervisedTraining::encoder() const {
  const at::NoGradGuard no_grad;
  SavedNetwork saved;
  saved.options = structure_;
  saved.shape = job_.images.shape;
  saved.n_classes = no_classes;
  saved.mean = table_.mean();
  saved.deviation = table_.deviation();
  saved.network = make_network(structure_, saved.shape, saved.n_classes);
  for (const at::Tensor& view : parameter_views(*network_, backbone_.weights)) {
    saved.state.parameters.push_back(view.clone());
  }
  for (const at::Tensor& moments : running_) saved.state.moments.push_back(moments.clone());
  return std::make_unique<TorchNetworkEncoder>(std::move(saved), device_, precision_);
}

}  // namespace winnow::train
