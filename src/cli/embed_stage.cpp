#include "cli/embed_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "cli/neighbour_check.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t default_shard_rows = 100'000;
constexpr const char* parts_manifest = "parts.json";
constexpr const char* checkpoint_file = "checkpoint.safetensors";

embedding::LabelledSource source_of(const embedding::Parts& parts, const io::Dataset& dataset) {
  return {parts.rows(), parts.dimensions(),
          [&parts](std::span<const std::int64_t> ids) { return parts.read(ids); },
          dataset.labels()};
}

/// Whether neighbours can be checked, and against a test set.
bool can_check(const Splits& splits) { return splits.train->has_labels(); }
bool has_queries(const Splits& splits) {
  return can_check(splits) && splits.test && splits.test->has_labels();
}

/// One output: a file, or a folder of shards.
struct Destination {
  fs::path path;                ///< without a slash at its end
  std::int64_t shard_rows = 0;  ///< 0: one file

  /// @throws InvalidArgument for a path that is neither.
  Destination(const char* flag, const fs::path& asked, const StorageOptions& storage)
      : path(asked.has_filename() ? asked : asked.parent_path()) {
    std::error_code ignored;
    const bool array = asked.extension() == ".npy";
    if (storage.shard_rows > 0 && array) {
      throw InvalidArgument(fmt::format("shard-rows = {}: {} {} is one file; give a folder",
                                        storage.shard_rows, flag, asked.string()));
    }
    if (storage.shard_rows > 0 || !asked.has_filename() || fs::is_directory(asked, ignored)) {
      shard_rows = storage.shard_rows > 0 ? storage.shard_rows : default_shard_rows;
    } else if (!array) {
      throw InvalidArgument(fmt::format(
          "{} {}: expected a file name that ends in .npy, or a folder of shards, which ends in /",
          flag, asked.string()));
    }
    if (sharded() && fs::exists(path, ignored) && !fs::is_directory(path, ignored)) {
      throw InvalidArgument(
          fmt::format("{} {}: a file; expected a folder for shards", flag, asked.string()));
    }
  }

  bool sharded() const { return shard_rows > 0; }
  fs::path sidecar() const { return sharded() ? path / "emb.json" : sidecar_path(path); }
  /// A further file of the same run: NAME.what beside the array, `what` among the shards.
  fs::path companion(const char* what) const {
    if (sharded()) return path / what;
    return path.parent_path() / fmt::format("{}.{}", path.stem().string(), what);
  }
  /// Finished parts, hidden beside the output.
  fs::path parts() const {
    const fs::path whole = fs::absolute(path).lexically_normal();
    return whole.parent_path() / fmt::format(".{}.parts", whole.filename().string());
  }
  std::vector<fs::path> files(std::int64_t rows) const {
    if (!sharded()) return {path};
    std::vector<fs::path> names;
    for (std::int64_t begin = 0; begin < rows; begin += shard_rows) {
      names.push_back(path / fmt::format("emb_{:05}.npy", begin / shard_rows));
    }
    return names;
  }
};

/// Removes the sidecar, the shards of an earlier run, of which there may have been more, and what a
/// killed one left.
void remove_outputs(const Destination& destination) {
  std::error_code ignored;
  fs::remove(destination.sidecar(), ignored);
  if (destination.sharded()) remove_temporaries(destination.path);
  const auto temporary = [](const fs::path& file) {
    return fmt::format(".{}.tmp-", file.filename().string());
  };
  const fs::path folder = fs::absolute(destination.sidecar()).parent_path();
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool shard = destination.sharded() && name.starts_with("emb_") && name.ends_with(".npy");
    if (shard || name.starts_with(temporary(destination.path)) ||
        name.starts_with(temporary(destination.sidecar()))) {
      found.push_back(entry.path());
    }
  }
  for (const auto& file : found) fs::remove(file, ignored);
}

/// What tells the content of an input from another: its hash, else length and time of modification;
/// nothing for a folder, whose files the fingerprint names.
std::string content_mark(const InputFile& input) {
  std::error_code failed;
  if (!input.hash.empty()) return input.hash;
  const auto size = fs::file_size(input.path, failed);
  if (failed) return "";
  const auto modified = fs::last_write_time(input.path, failed).time_since_epoch().count();
  return fmt::format("{} bytes of {}", size, modified);
}

/// Everything that the rows of a dataset's embedding depend on. Paths are no part of it.
Json identity_of(const io::Dataset& dataset, const embedding::EncoderOptions& options,
                 const Json& details) {
  Json reading = options_json(io::DatasetSpec::parse(dataset.name()).reading);
  Json inputs = Json::array();
  for (const auto& input : dataset.inputs()) inputs.push_back(content_mark(input));
  Json choices = options_json(options);
  choices["encoder"] = enum_name(options.encoder.kind);
  return {{"winnow", version()},
          {"fingerprint", dataset.fingerprint().text()},
          {"n", dataset.size()},
          {"reading", std::move(reading)},
          {"inputs", std::move(inputs)},
          {"options", std::move(choices)},
          {"seed", options.seed.value},
          {"encoder_hash", details.value("encoder_hash", "")},
          {"backend", details.value("backend", "")}};
}

/// @throws OutputExists naming what is there.
void require_new(const Destination& destination, bool resuming) {
  require_new_output(destination.path, false, !resuming);
  require_new_output(destination.sidecar(), false, !resuming);
  if (!resuming) require_new_output(destination.parts(), false, true);
}

std::string hash_of(const Json& json) {
  Hasher hasher;
  hasher.add(json.dump());
  return hash_text(hasher.digest());
}

/// Embeds both splits into their destinations.
class EmbedWork {
 public:
  EmbedWork(const Splits& splits, const embedding::EncoderOptions& options,
            const EmbedTarget& target, Progress& progress)
      : splits_(splits),
        options_(options),
        target_(target),
        progress_(progress),
        out_("--out", target.out, target.storage),
        work_(out_.parts()) {
    if (!target.test_out.empty()) {
      test_out_.emplace("--test-out", target.test_out, target.storage);
    }
  }

  EmbeddedFiles run() {
    // A file tells its hash and device only once it is loaded; others are what their options say.
    if (options_.encoder.is_file()) fit();
    if (target_.resume && complete()) return told();
    check_outputs();
    std::error_code ignored;
    if (!target_.resume) fs::remove_all(work_, ignored);
    try {
      if (!encoder_) fit();
      embed();
    } catch (const Error&) {
      keep_or_remove_parts();
      throw;
    }
    fs::remove_all(work_, ignored);
    return std::move(result_);
  }

 private:
  void fit() {
    embedding::FitContext context{.test = splits_.test.get()};
    if (options_.encoder.is_learned()) {
      context.checkpoint = work_ / checkpoint_file;
      context.curves = out_.companion("curves.csv");
      context.weights = out_.companion("encoder.safetensors");
      context.resume = target_.resume;
    }
    encoder_ = embedding::fit_encoder(*splits_.train, options_, progress_, context);
  }

  Json details() const { return encoder_ ? encoder_->details() : Json::object(); }

  /// What a sidecar and a folder of parts are recognised by.
  Json made_from(const io::Dataset& dataset, const Destination& destination) const {
    Json identity = identity_of(dataset, options_, details());
    identity["train"] = splits_.train->fingerprint().text();
    identity["dtype"] = enum_name(target_.storage.dtype);
    identity["shard_rows"] = destination.shard_rows;
    return identity;
  }

  bool is_complete(const io::Dataset& dataset, const Destination& destination) const {
    std::error_code ignored;
    for (const auto& file : destination.files(dataset.size())) {
      if (!fs::exists(file, ignored)) return false;
    }
    if (!fs::exists(destination.sidecar(), ignored)) return false;
    const Json sidecar = read_json(destination.sidecar());
    return sidecar.is_object() &&
           sidecar.value("made_from", "") == hash_of(made_from(dataset, destination));
  }

  bool complete() const {
    return is_complete(*splits_.train, out_) &&
           (!test_out_ || is_complete(*splits_.test, *test_out_));
  }

  /// What a finished run's sidecar says.
  EmbeddedFiles told() const {
    const Json sidecar = read_json(out_.sidecar());
    std::error_code ignored;
    fs::remove_all(work_, ignored);
    return {.n = sidecar.at("n"),
            .dimensions = sidecar.at("d"),
            .rows_taken_over = splits_.train->size() + (test_out_ ? splits_.test->size() : 0),
            .files = out_.files(splits_.train->size()),
            .knn = sidecar.value("knn", Json())};
  }

  /// Whether the parts were begun by a run like this one.
  bool parts_are_ours() const {
    const fs::path manifest = work_ / "train" / parts_manifest;
    std::error_code ignored;
    if (!target_.resume || !fs::exists(manifest, ignored)) return false;
    try {
      return read_json(manifest).value("identity", Json()) == made_from(*splits_.train, out_);
    } catch (const BadFile&) {
      return false;
    }
  }

  void check_outputs() const {
    if (target_.force || parts_are_ours()) return;
    require_new(out_, target_.resume);
    if (test_out_) require_new(*test_out_, target_.resume);
  }

  void embed() {
    embedding::Parts train = parts(*splits_.train, "train", out_);
    std::optional<embedding::Parts> test;
    if (test_out_ || has_queries(splits_)) {
      test.emplace(parts(*splits_.test, "test", test_out_.value_or(out_)));
    }
    train.encode(progress_);
    if (test) test->encode(progress_);
    result_.n = train.rows();
    result_.dimensions = train.dimensions();
    result_.rows_taken_over = train.rows_taken_over() + (test ? test->rows_taken_over() : 0);
    result_.files = out_.files(train.rows());
    if (can_check(splits_)) {
      result_.knn = check_neighbours(
          splits_, source_of(train, *splits_.train),
          has_queries(splits_) ? source_of(*test, *splits_.test) : embedding::LabelledSource{},
          options_.encoder.kind == EncoderKind::pixels, options_.seed, progress_);
    }
    if (test_out_) write(*test, *splits_.test, *test_out_);
    write(train, *splits_.train, out_);
  }

  embedding::Parts parts(const io::Dataset& dataset, const char* name,
                         const Destination& destination) const {
    return {
        work_ / name, *encoder_, dataset, target_.storage.dtype, made_from(dataset, destination),
        progress_};
  }

  /// The array or shards, then the sidecar: killed half way, this leaves arrays without a sidecar
  /// and the parts, never an array beside the sidecar of another.
  void write(const embedding::Parts& rows, const io::Dataset& dataset,
             const Destination& destination) const {
    remove_outputs(destination);
    const auto files = destination.files(rows.rows());
    progress_.stage("write", rows.rows(), "rows");
    std::int64_t begin = 0;
    Json shards = Json::array();
    for (const auto& file : files) {
      progress_.throw_if_cancelled();
      const std::int64_t count = destination.sharded()
                                     ? std::min(destination.shard_rows, rows.rows() - begin)
                                     : rows.rows();
      rows.write(file, begin, count);
      progress_.advance(count);
      shards.push_back(file.filename().string());
      begin += count;
    }
    progress_.done("");
    Json sidecar = {{"kind", "embeddings"},
                    {"n", rows.rows()},
                    {"d", rows.dimensions()},
                    {"fingerprint", dataset.fingerprint().text()},
                    {"dtype", enum_name(target_.storage.dtype)}};
    if (destination.sharded()) sidecar["shards"] = shards;
    sidecar["data"] = dataset.name();
    sidecar["options"] = options_json(options_);
    sidecar.update(details());
    sidecar["seed"] = options_.seed.value;
    sidecar["knn"] = result_.knn;
    sidecar["inputs"] = to_json(dataset.inputs());
    sidecar["made_from"] = hash_of(made_from(dataset, destination));
    sidecar["winnow"] = version();
    write_json(destination.sidecar(), sidecar);
  }

  /// After a failure: finished parts wait for --resume, an empty folder goes.
  void keep_or_remove_parts() {
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(work_, ignored)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("part-") && name != checkpoint_file) continue;
      progress_.warn(
          fmt::format("{}: finished parts are kept; --resume goes on with them", work_.string()));
      return;
    }
    fs::remove_all(work_, ignored);
  }

  const Splits& splits_;
  const embedding::EncoderOptions& options_;
  const EmbedTarget& target_;
  Progress& progress_;
  Destination out_;
  std::optional<Destination> test_out_;
  fs::path work_;
  std::unique_ptr<embedding::Encoder> encoder_;
  EmbeddedFiles result_;
};

}  // namespace

void EmbedTarget::validate() const {
  storage.validate();
  std::optional<Destination> test;
  const Destination train("--out", out, storage);
  if (!test_out.empty()) test.emplace("--test-out", test_out, storage);
  if (test && fs::absolute(test->path) == fs::absolute(train.path)) {
    throw InvalidArgument(fmt::format("--test-out {}: the same as --out", test_out.string()));
  }
  const auto check = [&](const Destination& destination) {
    require_writable(destination.path);
    if (!resume && !force) require_new(destination, false);
  };
  check(train);
  if (test) check(*test);
}

void bind_encoder_options(CLI::App& command, embedding::EncoderOptions& options) {
  bind_options(command, options);
  for (CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (name.starts_with("--ssl-") || name == "--network") {
      option->group("Learning without labels (swav, simclr)");
    }
  }
}

EmbeddedFiles embed_files(const Splits& splits, const embedding::EncoderOptions& options,
                          const EmbedTarget& target, Progress& progress) {
  return EmbedWork(splits, options, target, progress).run();
}

std::string knn_text(const Json& knn, const std::string& encoder) {
  if (knn.is_null()) return "no labels, so no neighbour check\n";
  const auto percent = [](const Json& value) {
    return value.is_number() ? fmt::format("{:.2f} %", 100.0 * value.get<double>())
                             : "not measured";
  };
  std::string asked =
      knn["leave_one_out"].get<bool>() ? "examples, each left out" : "test examples";
  if (knn.contains("references")) {
    asked += fmt::format(", among {} random rows", knn["references"].get<std::int64_t>());
  }
  return fmt::format("{}-nearest-neighbour accuracy ({} {}): {} {}, raw pixels {}\n",
                     knn["k"].get<std::int64_t>(), knn["queries"].get<std::int64_t>(), asked,
                     encoder, percent(knn["encoder"]), percent(knn["pixels"]));
}

}  // namespace winnow::cli
