#include "winnow/selection/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "selection/kept_files.hpp"
#include "selection/line_file.hpp"
#include "selection/staging.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/csv.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::selection {

namespace fs = std::filesystem;

namespace {

const char* file_name(Format format) {
  switch (format) {
    case Format::keys:
      return "keep.txt";
    case Format::csv:
      return "keep.csv";
    case Format::mask:
      return "mask.npy";
    case Format::jsonl:
      return "keep.jsonl";
    case Format::dropped:
      return "dropped.csv";
  }
  return "";
}

const char* file_name(FileMode mode) { return mode == FileMode::tar ? "kept.tar" : "files"; }

/// One selection with all it is written from.
struct Job {
  fs::path folder;  // where to write
  const Selection& selection;
  const Source& source;
  Progress& progress;

  std::int64_t n() const { return static_cast<std::int64_t>(selection.outcomes.size()); }

  std::string csv_row(std::int64_t id) const {
    return fmt::format(
        "{},{},{},{}", id, source.dataset == nullptr ? "" : io::csv_field(source.dataset->key(id)),
        source.labels.empty() ? "" : std::to_string(source.labels[id]), source.scores[id]);
  }
  Json json_row(std::int64_t id) const {
    return {{"id", id},
            {"key", source.dataset == nullptr ? Json() : Json(source.dataset->key(id))},
            {"label", source.labels.empty() ? Json() : Json(source.labels[id])},
            {"score", source.scores[id]}};
  }
};

void check_source(const Selection& selection, const Source& source) {
  const auto size = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
  const std::int64_t n = size(selection.outcomes);
  io::require_same_length(n, "selection", size(source.scores), "scores");
  if (!source.labels.empty()) {
    io::require_same_length(n, "selection", size(source.labels), "labels");
  }
  if (source.dataset != nullptr) {
    const io::Dataset& dataset = *source.dataset;
    io::require_same_length(n, "selection", dataset.size(), dataset.name());
    require_same_dataset(source.fingerprint, "scores", dataset.fingerprint(), dataset.name());
  }
}

/// keep.txt has no way to quote.
void check_keys(const io::Dataset* dataset, std::span<const std::int64_t> ids) {
  if (dataset == nullptr) {
    throw InvalidArgument(
        "write = keys: no dataset was given, so examples have no keys; give --data SPEC, or leave "
        "keys out");
  }
  for (const std::int64_t id : ids) {
    const std::string key = dataset->key(id);
    if (key.find_first_of("\r\n") != std::string::npos) {
      throw BadFile(
          fmt::format("{}: the key of example {} contains a line break, which one key a "
                      "line cannot express; use --write csv or jsonl",
                      dataset->name(), id));
    }
  }
}

/// JSON cannot hold such keys, and two of them may look the same there.
void warn_of_bytes(const Job& job) {
  if (job.source.dataset == nullptr) return;
  std::int64_t count = 0;
  for (const std::int64_t id : job.selection.ids) {
    if (!is_utf8(job.source.dataset->key(id))) ++count;
  }
  if (count == 0) return;
  job.progress.warn(
      fmt::format("{}: {} keys are not UTF-8; U+FFFD stands for the bytes that JSON cannot hold; "
                  "ids tell the examples apart, and --write keys or csv writes the bytes",
                  file_name(Format::jsonl), count));
}

void write_kept_lines(const Job& job, Format format) {
  const auto& ids = job.selection.ids;
  job.progress.stage(fmt::format("write {}", file_name(format)),
                     static_cast<std::int64_t>(ids.size()), "lines");
  LineFile file(job.folder / file_name(format), job.progress);
  if (format == Format::csv) file.add("id,key,label,score");
  for (const std::int64_t id : ids) {
    switch (format) {
      case Format::keys:
        file.add(job.source.dataset->key(id));
        break;
      case Format::jsonl:
        file.add(dump_json(job.json_row(id)));
        break;
      default:
        file.add(job.csv_row(id));
    }
  }
  file.commit();
  job.progress.done(fmt::format("{} lines", ids.size()));
  if (format == Format::jsonl) warn_of_bytes(job);
}

void write_dropped(const Job& job) {
  const std::int64_t n_dropped = job.n() - static_cast<std::int64_t>(job.selection.ids.size());
  job.progress.stage("write dropped.csv", n_dropped, "lines");
  LineFile file(job.folder / file_name(Format::dropped), job.progress);
  file.add("id,key,label,score,reason");
  for (std::int64_t id = 0; id < job.n(); ++id) {
    const Outcome outcome = job.selection.outcomes[id];
    if (!is_kept(outcome)) file.add(job.csv_row(id) + "," + enum_name(outcome));
  }
  file.commit();
  job.progress.done(fmt::format("{} lines", n_dropped));
}

void write_mask(const Job& job) {
  std::vector<std::uint8_t> mask(job.selection.outcomes.size());
  for (const std::int64_t id : job.selection.ids) mask[id] = 1;
  io::write_npy_bool(job.folder / file_name(Format::mask), mask);
}

void write_format(const Job& job, Format format) {
  if (format == Format::mask) {
    write_mask(job);
  } else if (format == Format::dropped) {
    write_dropped(job);
  } else {
    write_kept_lines(job, format);
  }
}

/// What keep.json says besides what every subset's sidecar does.
Json details(const Job& job, const std::vector<std::string>& files) {
  const Selection& selection = job.selection;
  const SelectOptions& options = selection.options;
  Json json = {{"policy", enum_name(options.policy)},
               {"keep", options.keep_count ? Json() : Json(options.keep)},
               {"keep_count", options.keep_count ? Json(*options.keep_count) : Json()},
               {"class_balance", selection.balanced ? Json(options.class_balance) : Json()},
               {"balance_by", selection.balanced ? Json(enum_name(options.balance_by)) : Json()}};
  if (!selection.balanced) json["note"] = "no class balance: no labels were given";
  json["seed"] = options.seed.value;
  json["cut"] = selection.cut ? Json(*selection.cut) : Json();
  json.update(options.policy_json());
  json.update(selection.details);
  json["audit"] = audit_json(selection.audit);
  json["files"] = files;
  json.update(job.source.details);
  return json;
}

void write_keep(const Job& job, const std::vector<std::string>& files) {
  const Source& source = job.source;
  io::Subset subset;
  subset.ids = job.selection.ids;
  subset.dataset_size = job.n();
  subset.fingerprint = source.fingerprint;
  if (source.dataset != nullptr) {
    subset.fingerprint = known_of(subset.fingerprint, source.dataset->fingerprint());
  }
  subset.inputs = source.inputs;
  io::write_subset(job.folder / "keep.npy", subset, details(job, files));
}

/// Files that this module wrote for an earlier selection in this folder, by its keep.json.
std::set<std::string> earlier_files(const fs::path& folder) {
  std::set<std::string> ours = {file_name(FileMode::copy), file_name(FileMode::tar)};
  for (const auto& entry : EnumNames<Format>::values) ours.insert(file_name(entry.value));
  ours.insert(groups_file);
  std::set<std::string> found;
  try {
    const Json sidecar = read_sidecar(folder / "keep.npy");
    if (!sidecar.is_object() || !sidecar.contains("files")) return found;
    for (const Json& name : sidecar["files"]) {
      if (name.is_string() && ours.contains(name.get<std::string>())) found.insert(name);
    }
  } catch (const BadFile&) {
    found.clear();  // it is about to be replaced
  }
  return found;
}

}  // namespace

std::vector<Format> parse_formats(std::string_view list) {
  std::set<Format> formats;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    formats.insert(parse_enum<Format>("write", list.substr(0, comma)));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return {formats.begin(), formats.end()};
}

std::vector<std::string> write_selection(const fs::path& folder, const Selection& selection,
                                         const Source& source, const ExportOptions& options,
                                         Progress& progress) {
  const std::set<Format> formats(options.formats.begin(), options.formats.end());
  const bool with_files = options.files != FileMode::none;
  check_source(selection, source);
  if (formats.contains(Format::keys)) check_keys(source.dataset, selection.ids);
  if (with_files) check_kept_files(source.dataset, selection.ids, options.files);

  Staging staging(folder);
  const Job job{staging.path(), selection, source, progress};
  std::vector<std::string> written = {"keep.npy", "keep.json"};
  for (const Format format : formats) {
    write_format(job, format);
    written.emplace_back(file_name(format));
  }
  for (const ExtraFile& file : source.extra) {
    file.write(job.folder / file.name);
    written.push_back(file.name);
  }
  if (with_files) {
    write_kept_files(job.folder, *source.dataset, selection.ids, options.files, progress);
    written.emplace_back(file_name(options.files));
  }
  write_keep(job, written);

  // Without keep.json in between, so that it never lies beside the array of another selection.
  const std::set<std::string> earlier = earlier_files(folder);
  staging.set_aside("keep.json");
  for (const std::string& name : earlier) {
    if (std::find(written.begin(), written.end(), name) == written.end()) staging.set_aside(name);
  }
  for (auto name = written.begin() + 2; name != written.end(); ++name) staging.move_up(*name);
  staging.move_up("keep.npy");
  staging.move_up("keep.json");
  staging.sync();
  return written;
}

}  // namespace winnow::selection
