#include "report/run_data.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::report {

namespace fs = std::filesystem;

namespace {

bool has_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::int64_t length(const auto& values) { return static_cast<std::int64_t>(values.size()); }

/// "" when the run's arrays may be about `n` examples, else why not.
std::string misfit(const RunData& run, std::int64_t n) {
  if (run.n_examples() > 0 && run.n_examples() != n) {
    return fmt::format("{} examples, but the run has {}", n, run.n_examples());
  }
  if (run.keep && !run.keep->ids.empty() && run.keep->ids.back() >= n) {
    return fmt::format("id {} in row {} of the selection, but there are {} examples",
                       run.keep->ids.back(), run.keep->ids.size() - 1, n);
  }
  return "";
}

/// "" when the dataset belongs to the run's arrays, else why not.
std::string misfit(const RunData& run, const io::Dataset& dataset) {
  if (run.fingerprint.matches(dataset.fingerprint())) return misfit(run, dataset.size());
  return fmt::format("its fingerprint is {}, the run's is {}", dataset.fingerprint().text(),
                     run.fingerprint.text());
}

/// Reads the arrays of the run and checks that they are about the same examples.
void load_arrays(RunData& run) {
  const fs::path scores = run.folder / "scores.npy";
  if (has_file(scores)) {
    run.scores = io::read_scores(scores).values;
    run.score_meta = read_sidecar(scores);
    run.fingerprint = sidecar_fingerprint(run.score_meta);
  }
  const fs::path assignment = run.folder / "assignment.npy";
  if (has_file(assignment)) {
    run.assignment = io::read_vector_i64(assignment);
    if (!run.scores.empty()) {
      io::require_same_length(length(run.scores), scores.string(), length(run.assignment),
                              assignment.string());
    }
  }
  const fs::path keep = run.folder / "keep.npy";
  if (!has_file(keep)) return;
  run.keep = io::read_subset(keep);
  run.keep_meta = read_sidecar(keep);
  require_same_dataset(run.fingerprint, scores.string(), run.keep->fingerprint, keep.string());
  run.fingerprint = known_of(run.fingerprint, run.keep->fingerprint);
  if (!run.scores.empty() && run.keep->dataset_size > 0) {
    io::require_same_length(length(run.scores), scores.string(), run.keep->dataset_size,
                            keep.string());
  }
  const std::string reason = misfit(run, run.n_examples());
  if (run.n_examples() > 0 && !reason.empty()) {
    throw DatasetMismatch(fmt::format("{}: {}", keep.string(), reason));
  }
}

void load_dataset(RunData& run, const std::string& data, Progress& progress) {
  const std::string spec = data.empty() ? json_text(json_member(run.info.options, "data")) : data;
  if (spec.empty()) return;
  try {
    auto dataset = io::open_dataset(io::DatasetSpec::parse(spec), progress);
    const std::string reason = misfit(run, *dataset);
    if (!reason.empty()) {
      run.warnings.push_back(
          fmt::format("Images and labels are left out: dataset '{}' is not what this run saw ({}).",
                      spec, reason));
      return;
    }
    run.labels = dataset->labels();
    run.class_names = dataset->class_names();
    run.fingerprint = known_of(run.fingerprint, dataset->fingerprint());
    run.dataset = std::move(dataset);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    run.warnings.push_back(
        fmt::format("Images and labels are left out: dataset '{}' could not be opened ({}).", spec,
                    error.what()));
  }
}

/// Labels of runs without a dataset (`--embeddings` with `--labels`).
void load_labels(RunData& run, Progress& progress) {
  const std::string source = json_text(json_member(run.info.options, "labels"));
  if (!run.labels.empty() || source.empty()) return;
  try {
    io::Labels labels = io::read_labels(source, progress);
    const std::string reason = misfit(run, length(labels.values));
    if (!reason.empty()) throw DatasetMismatch(reason);
    run.labels = std::move(labels.values);
    run.class_names = std::move(labels.class_names);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    run.warnings.push_back(
        fmt::format("Labels are left out: '{}' could not be used ({}).", source, error.what()));
  }
}

std::optional<std::int64_t> json_count(const Json& object, const std::string& name) {
  const Json value = json_member(object, name);
  if (!value.is_number()) return {};
  return value.get<std::int64_t>();
}

/// Class counts of the selection's audit.
std::vector<ClassCount> audited_classes(const Json& audit) {
  std::vector<ClassCount> classes;
  for (const Json& entry : json_member(audit, "classes")) {
    ClassCount count;
    count.name = json_text(json_member(entry, "name"));
    count.before = json_count(entry, "before").value_or(0);
    count.kept = json_count(entry, "kept").value_or(0);
    count.kept_without_balance = json_count(entry, "kept_without_balance");
    classes.push_back(std::move(count));
  }
  return classes;
}

std::vector<ClassCount> counted_classes(const RunData& run) {
  if (run.labels.empty() || !run.keep) return {};
  std::vector<ClassCount> classes(run.class_names.size());
  for (std::size_t c = 0; c < classes.size(); ++c) classes[c].name = run.class_names[c];
  for (const std::int32_t label : run.labels) ++classes[static_cast<std::size_t>(label)].before;
  for (const std::int64_t id : run.keep->ids) {
    ++classes[static_cast<std::size_t>(run.labels[static_cast<std::size_t>(id)])].kept;
  }
  return classes;
}

void load_audit(RunData& run) {
  const Json audit = json_member(run.keep_meta, "audit");
  run.classes = audited_classes(audit);
  if (run.classes.empty()) run.classes = counted_classes(run);
  for (const Json& warning : json_member(audit, "warnings")) {
    run.warnings.push_back(json_text(warning));
  }
}

}  // namespace

std::int64_t RunData::n_examples() const {
  if (!scores.empty()) return length(scores);
  if (keep && keep->dataset_size > 0) return keep->dataset_size;
  return length(labels);
}

std::vector<std::uint8_t> RunData::kept_mask() const {
  if (!keep) return {};
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(n_examples()), 0);
  for (const std::int64_t id : keep->ids) mask[static_cast<std::size_t>(id)] = 1;
  return mask;
}

std::optional<double> RunData::cut() const { return json_number(keep_meta, "cut"); }

std::string RunData::setting(const std::string& name) const {
  const Json* sources[] = {&info.options, &keep_meta, &score_meta};
  for (const Json* source : sources) {
    std::string text = json_text(json_member(*source, name));
    if (!text.empty()) return text;
  }
  return json_text(json_member(json_member(score_meta, "options"), name));
}

std::string RunData::title() const {
  std::string data = setting("data");
  if (!data.empty()) return data;
  const fs::path clean = folder.lexically_normal();
  return (clean.has_filename() ? clean : clean.parent_path()).filename().string();
}

Json json_member(const Json& object, const std::string& name) {
  return object.is_object() && object.contains(name) ? object[name] : Json();
}

std::string json_text(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  return dump_json(value);
}

std::optional<double> json_number(const Json& object, const std::string& name) {
  const Json value = json_member(object, name);
  if (!value.is_number()) return {};
  return value.get<double>();
}

RunData load_run(const fs::path& folder, const std::string& data, Progress& progress) {
  RunData run;
  run.folder = folder;
  run.info = read_run(folder);
  run.winnow_version = json_text(json_member(read_json(folder / "run.json"), "version"));
  load_arrays(run);
  load_dataset(run, data, progress);
  load_labels(run, progress);
  load_audit(run);
  const fs::path results = folder / "results.csv";
  if (has_file(results)) run.trainings = read_trainings(results);
  return run;
}

}  // namespace winnow::report
