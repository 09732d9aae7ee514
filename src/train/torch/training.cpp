#include "train/torch/training.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "train/checks.hpp"
#include "train/dynamics.hpp"
#include "train/torch/layers.hpp"
#include "train/torch/parameters.hpp"
#include "train/torch/runtime.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace {

constexpr std::int64_t shard_size = 32;
constexpr double moments_momentum = 0.1;

PixelTable make_table(const NetworkJob& job, Progress& progress) {
  if (job.options.normalisation == Normalisation::imagenet) {
    return PixelTable::imagenet(job.train.shape.channels);
  }
  return {job.train, job.subset, progress};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// JSON has no NaN, as a training that diverged has them: null stands for it.
double number(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace

Training::Training(const NetworkJob& job, Progress& progress)
    : job_(job),
      device_(resolve_device(job.options.device)),
      precision_(resolve_precision(job.options.precision, device_)),
      type_(precision_ == Precision::bf16 ? at::kBFloat16 : at::kFloat),
      table_(make_table(job, progress)),
      order_(job.subset, job.options.batch_size, job.options.seed),
      network_(make_network(job.options, job.train.shape, job.n_classes)),
      optimizer_(*network_, job.options, device_) {
  const at::NoGradGuard no_grad;
  weights_ = flat_parameters(*network_, network_->initial_parameters(job.options.seed), device_);
  gradient_ = at::zeros_like(weights_);
  gradient_views_ = parameter_views(*network_, gradient_);
  leaves_ = make_leaves(*network_, type_, device_);
  for (const NormName& norm : network_->norms()) {
    running_.push_back(at::zeros({2, norm.channels}, weights_.options()));
    running_.back()[1].fill_(1.0);
  }
  if (!job.files.initial.empty()) {
    State state{parameter_views(*network_, weights_), running_};
    warnings_ = load_weights(job.files.initial, enum_name(job.options.model), *network_, state);
  }
  if (job.options.ema > 0.0) {
    average_ = weights_.clone();
    measured_leaves_ = make_leaves(*network_, type_, device_);
  }
  if (!job.files.teacher.empty()) {
    teacher_.emplace(job.files.teacher, job.train.shape, job.n_classes, table_, type_, device_);
  }
  refresh(weights_, leaves_);
  make_slots(job.threads);
}

void Training::make_slots(int threads) {
  const std::int64_t batch = order_.batch_size();
  const std::int64_t n_shards = device_.is_cpu() ? (batch + shard_size - 1) / shard_size : 1;
  std::int64_t largest = 0;
  for (std::int64_t s = 0; s < n_shards; ++s) {
    const std::int64_t begin = s * batch / n_shards;
    shards_.push_back({begin, (s + 1) * batch / n_shards - begin});
    largest = std::max(largest, shards_.back().count);
  }
  slots_.resize(static_cast<std::size_t>(std::min<std::int64_t>(threads, n_shards)));
  for (Slot& slot : slots_) {
    slot.bytes.resize(static_cast<std::size_t>(largest * job_.train.shape.size()));
    slot.pixels = pixel_tensor(job_.train.shape, largest);
    slot.labels = at::empty(std::vector<std::int64_t>{largest}, at::kLong);
  }
}

void Training::run(Progress& progress) {
  const NetworkOptions& options = job_.options;
  const Schedule schedule(options.iterations, options.learning_rate, options.warm_up,
                          options.schedule);
  start(progress);
  const PassCounter passes(static_cast<std::int64_t>(job_.subset.size()), order_.batch_size(),
                           options.iterations);
  while (iteration_ < options.iterations) {
    step(schedule, progress);
    const std::int64_t pass = passes.ended_by(iteration_);
    if (pass > 0) end_epoch(pass, progress);
  }
  if (job_.files.weights.empty()) return;
  save_weights(job_.files.weights, *network_, {parameter_views(*network_, measured()), running_},
               describe_network(options, job_.train.shape, job_.n_classes, table_));
}

void Training::start(Progress& progress) {
  if (job_.files.resume && load(progress)) {
    progress.advance(iteration_);
    return;
  }
  if (job_.watch.observer != nullptr && job_.watch.at_start) end_epoch(0, progress);
}

void Training::step(const Schedule& schedule, Progress& progress) {
  const auto begin = std::chrono::steady_clock::now();
  const auto pass = static_cast<std::size_t>(order_.epochs_seen());
  const auto ids = order_.next();
  const auto placements = draw_placements(job_.options, job_.train.shape, iteration_);
  loss_sums_.resize(pass + 1, 0.0);
  loss_steps_.resize(pass + 1, 0);
  {
    const at::NoGradGuard no_grad;
    gradient_.zero_();
    for (at::Tensor& moments : running_) moments.mul_(1.0 - moments_share());
  }
  for (std::size_t first = 0; first < shards_.size(); first += slots_.size()) {
    const std::size_t count = std::min(slots_.size(), shards_.size() - first);
    parallel_blocks(static_cast<std::int64_t>(count), progress, [&](std::int64_t s) {
      const auto at = static_cast<std::size_t>(s);
      compute(slots_[at], shards_[first + at], ids, placements);
    });
    for (std::size_t s = 0; s < count; ++s) {
      add_slot(slots_[s]);
      loss_sums_[pass] += slots_[s].loss / static_cast<double>(order_.batch_size());
    }
  }
  ++loss_steps_[pass];
  rate_ = schedule.rate(iteration_);
  update(rate_);
  ++iteration_;
  ++steps_here_;
  seconds_ += seconds_since(begin);
  progress.advance(1);
}

void Training::compute(Slot& slot, const Shard& shard, std::span<const std::int64_t> ids,
                       std::span<const Placement> placements) {
  const auto some =
      ids.subspan(static_cast<std::size_t>(shard.begin), static_cast<std::size_t>(shard.count));
  const auto size = static_cast<std::size_t>(job_.train.shape.size());
  const auto bytes = std::span(slot.bytes).first(some.size() * size);
  gather_images(job_.train, some, bytes);
  for (std::size_t i = 0; i < some.size(); ++i) {
    write_image(bytes.subspan(i * size, size), job_.train.shape, table_,
                placements[static_cast<std::size_t>(shard.begin) + i],
                image_of(slot.pixels, static_cast<std::int64_t>(i)));
    slot.labels.data_ptr<std::int64_t>()[i] = job_.train.labels[static_cast<std::size_t>(some[i])];
  }
  const at::Tensor input = as_input(slot.pixels.narrow(0, 0, shard.count)).to(device_);
  const at::Tensor labels = slot.labels.narrow(0, 0, shard.count).to(device_);
  TrainingLayers layers(leaves_, network_->norms().size());
  const at::Tensor loss = loss_of(network_->logits(layers, input), labels, input);
  slot.gradients = torch::autograd::grad({loss}, leaves_);
  slot.moments = std::move(layers.moments());
  slot.loss = loss.item<double>();
}

at::Tensor Training::loss_of(const at::Tensor& logits, const at::Tensor& labels,
                             const at::Tensor& input) const {
  const NetworkOptions& options = job_.options;
  at::Tensor loss =
      at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum, -100, options.label_smoothing);
  if (!teacher_) return loss;
  const double t = options.temperature;
  const at::Tensor wanted = at::log_softmax(teacher_->logits(input) / t, 1);
  const at::Tensor divergence =
      (wanted.exp() * (wanted - at::log_softmax(logits / t, 1))).sum() * (t * t);
  return loss * (1.0 - options.distill_weight) + divergence * options.distill_weight;
}

double Training::moments_share() const {
  if (!job_.files.initial.empty()) return moments_momentum;
  // The first step's moments are taken whole, so that short trainings have sound ones too.
  return std::max(moments_momentum, 1.0 / static_cast<double>(iteration_ + 1));
}

void Training::add_slot(const Slot& slot) {
  const at::NoGradGuard no_grad;
  const double share = 1.0 / static_cast<double>(order_.batch_size());
  for_each_parameter(*network_, device_,
                     [&](std::size_t i) { gradient_views_[i].add_(slot.gradients[i], share); });
  const double weight = moments_share() / static_cast<double>(shards_.size());
  for (std::size_t norm = 0; norm < running_.size(); ++norm) {
    running_[norm].add_(slot.moments[norm], weight);
  }
}

void Training::update(double rate) {
  const at::NoGradGuard no_grad;
  gradient_norm_ = norm_of(*network_, gradient_);
  const double largest = job_.options.clip_norm;
  if (largest > 0.0 && gradient_norm_ > largest) gradient_.mul_(largest / gradient_norm_);
  optimizer_.update(weights_, gradient_, rate, iteration_);
  if (average_.defined()) {
    // Early averages forget their random start: the mean of all so far until the decay is reached.
    const auto taken = static_cast<double>(iteration_ + 1);
    average_.lerp_(weights_, 1.0 - std::min(job_.options.ema, taken / (taken + 1.0)));
  }
  refresh(weights_, leaves_);
}

void Training::refresh(const at::Tensor& weights, const std::vector<at::Tensor>& leaves) const {
  const at::NoGradGuard no_grad;
  const auto views = parameter_views(*network_, weights);
  for_each_parameter(*network_, device_, [&](std::size_t i) { leaves[i].copy_(views[i]); });
}

Model Training::measured_model() {
  if (!average_.defined()) return {*network_, leaves_, running_, table_, device_};
  refresh(average_, measured_leaves_);
  return {*network_, measured_leaves_, running_, table_, device_};
}

void Training::end_epoch(std::int64_t epoch, Progress& progress) {
  const Watch& watch = job_.watch;
  const bool last = iteration_ == job_.options.iterations;
  if (watch.observer != nullptr && (last || epoch % watch.every == 0)) {
    EpochSummary summary{.epoch = epoch,
                         .iteration = iteration_,
                         .train_loss = std::numeric_limits<double>::quiet_NaN(),
                         .learning_rate = rate_,
                         .test_error = 0.0,
                         .seconds = seconds_};
    if (!loss_sums_.empty()) {
      summary.train_loss = loss_sums_.back() / static_cast<double>(loss_steps_.back());
    }
    test_correct_ = correct_of(measured_model(), job_.test, progress);
    summary.test_error = error_rate(test_correct_);
    if (watch.dynamics) log_rows(epoch, progress);
    watch.observer->epoch(summary);
    ++n_logs_;
  } else {
    test_correct_.clear();
  }
  if (!job_.files.checkpoint.empty() && !last) {
    save_checkpoint(job_.files.checkpoint, checkpoint());
  }
}

void Training::log_rows(std::int64_t epoch, Progress& progress) {
  const Watch& watch = job_.watch;
  const Model model = measured_model();
  std::vector<at::Tensor> float_leaves;
  if (watch.gradients) {
    float_leaves = make_leaves(*network_, at::kFloat, device_);
    refresh(measured(), float_leaves);
  }
  for_each_logits(
      model, job_.train,
      [&](std::int64_t begin, const at::Tensor& logits) {
        const std::int64_t count = logits.size(0);
        const std::span<const float> values(logits.data_ptr<float>(),
                                            static_cast<std::size_t>(logits.numel()));
        const DynamicsPiece piece =
            dynamics_of({values.data(), count, logits.size(1)},
                        job_.train.labels.subspan(static_cast<std::size_t>(begin),
                                                  static_cast<std::size_t>(count)));
        std::vector<float> norms;
        if (watch.gradients) {
          const Model exact{*network_, float_leaves, running_, table_, device_};
          norms = gradient_norms_of(exact, job_.train, begin, count, progress);
        }
        job_.watch.observer->rows({.epoch = epoch,
                                   .p_true = piece.p_true,
                                   .margin = piece.margin,
                                   .el2n = piece.el2n,
                                   .correct = piece.correct,
                                   .grand = norms,
                                   .logits = watch.logits ? values : std::span<const float>()});
      },
      progress);
  job_.watch.observer->rows({.epoch = epoch, .test_correct = test_correct_});
}

Checkpoint Training::checkpoint() {
  Checkpoint all;
  all.tensors.emplace_back("weights", weights_);
  if (average_.defined()) all.tensors.emplace_back("average", average_);
  for (std::size_t i = 0; i < optimizer_.moments().size(); ++i) {
    all.tensors.emplace_back("moment" + std::to_string(i), optimizer_.moments()[i]);
  }
  for (std::size_t i = 0; i < running_.size(); ++i) {
    all.tensors.emplace_back(network_->norms()[i].name, running_[i]);
  }
  all.progress = {{"identity", job_.files.identity}, {"options", options_json(job_.options)},
                  {"iteration", iteration_},         {"n_logs", n_logs_},
                  {"loss_sums", loss_sums_},         {"loss_steps", loss_steps_},
                  {"gradient_norm", gradient_norm_}};
  return all;
}

bool Training::load(Progress& progress) {
  const auto& path = job_.files.checkpoint;
  if (path.empty() || !std::filesystem::exists(path)) return false;
  const at::NoGradGuard no_grad;
  Checkpoint all = checkpoint();
  load_checkpoint(path, all, "options, data or subset", [this](const Json& then) {
    iteration_ = then.at("iteration");
    n_logs_ = then.at("n_logs");
    loss_sums_.clear();
    for (const Json& sum : then.at("loss_sums")) loss_sums_.push_back(number(sum));
    loss_steps_ = then.at("loss_steps").get<std::vector<std::int64_t>>();
    gradient_norm_ = number(then.at("gradient_norm"));
  });
  order_.skip(iteration_);
  refresh(weights_, leaves_);
  if (job_.watch.observer != nullptr) job_.watch.observer->resumed(n_logs_);
  progress.throw_if_cancelled();
  return true;
}

NetworkResult Training::measure(Progress& progress) {
  NetworkResult result;
  if (test_correct_.empty()) test_correct_ = correct_of(measured_model(), job_.test, progress);
  result.test_correct = test_correct_;
  result.test_error = error_rate(result.test_correct);
  for (std::size_t pass = 0; pass < loss_sums_.size(); ++pass) {
    result.train_loss.push_back(loss_sums_[pass] / static_cast<double>(loss_steps_[pass]));
  }
  result.gradient_norm = gradient_norm_;
  result.epochs_seen = order_.epochs_seen();
  result.iterations = job_.options.iterations;
  result.n_parameters = network_->n_parameters();
  result.precision = precision_;
  result.device = device_.is_cpu() ? "cpu" : "cuda";
  result.warnings = warnings_;
  result.images_per_second =
      static_cast<double>(steps_here_ * order_.batch_size()) / std::max(seconds_, 1e-9);
  return result;
}

}  // namespace winnow::train
