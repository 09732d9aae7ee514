#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/command.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/clustering.hpp"
#include "winnow/io/csv.hpp"
#include "winnow/io/npy.hpp"
#include "winnow/io/safetensors.hpp"

namespace winnow::cli {

namespace {

namespace fs = std::filesystem;

/// Least, mean and largest value of a one-dimensional array; counts non-finite ones apart.
Json statistics(const std::vector<double>& values) {
  double sum = 0.0;
  std::int64_t finite = 0;
  double low = INFINITY;
  double high = -INFINITY;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    ++finite;
    sum += value;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  Json json = {{"not_finite", static_cast<std::int64_t>(values.size()) - finite}};
  if (finite > 0) {
    json["min"] = low;
    json["mean"] = sum / static_cast<double>(finite);
    json["max"] = high;
  }
  return json;
}

/// What an array with this sidecar and shape is.
std::string array_kind(const Json& sidecar, const io::NpyFile& file) {
  if (sidecar.is_object() && sidecar.contains("kind")) return sidecar["kind"].get<std::string>();
  if (sidecar.is_object() && sidecar.contains("metric")) return "scores";
  if (file.shape().size() == 2) return "embeddings or other matrix";
  if (file.shape().size() == 1)
    return io::is_floating(file.dtype()) ? "scores or other numbers"
                                         : "labels, ids or other integers";
  return "array";
}

Json describe_npy(const fs::path& path) {
  const io::NpyFile file(path);
  const Json sidecar = read_sidecar(path);
  Json json = {{"kind", array_kind(sidecar, file)},
               {"shape", file.shape()},
               {"dtype", io::dtype_name(file.dtype())},
               {"order", file.fortran_order() ? "Fortran" : "C"},
               {"bytes", file.data().size()},
               {"fingerprint", sidecar_fingerprint(sidecar).text()}};
  if (file.shape().size() == 1) json["values"] = statistics(io::read_vector_f64(path));
  if (!sidecar.is_null()) json["sidecar"] = sidecar;
  return json;
}

Json describe_safetensors(const fs::path& path) {
  const io::SafetensorsFile file(path);
  std::int64_t n_values = 0;
  Json tensors = Json::object();
  for (const auto& tensor : file.tensors()) {
    tensors[tensor.name] = tensor.describe();
    n_values += tensor.size();
  }
  return {{"kind", "safetensors"},
          {"values", n_values},
          {"bytes", file.file_bytes().size()},
          {"metadata", file.metadata()},
          {"tensors", tensors}};
}

Json describe_dataset(const std::string& text, Progress& progress) {
  const auto dataset = io::open_dataset(io::DatasetSpec::parse(text), progress);
  Json json = {{"kind", "dataset"},
               {"split", dataset->split()},
               {"n", dataset->size()},
               {"fingerprint", dataset->fingerprint().text()}};
  if (dataset->has_images()) {
    const auto shape = dataset->image_shape();
    json["image"] = {
        {"height", shape.height}, {"width", shape.width}, {"channels", shape.channels}};
  } else {
    json["width"] = dataset->vector_width();
  }
  if (dataset->has_labels()) {
    std::vector<std::int64_t> counts(dataset->class_names().size());
    for (const auto label : dataset->labels()) ++counts[static_cast<std::size_t>(label)];
    Json classes = Json::object();
    for (std::size_t c = 0; c < counts.size(); ++c) classes[dataset->class_names()[c]] = counts[c];
    json["classes"] = classes;
  }
  return json;
}

/// Read whole, so that a folder which info describes is one that other commands take.
Json describe_clustering(const fs::path& folder) {
  const io::Clustering clustering = io::read_clustering(folder);
  return {{"kind", "clustering"},
          {"n", clustering.assignment.size()},
          {"d", clustering.centroids.cols()},
          {"clusters", clustering.centroids.rows()},
          {"geometry", clustering.geometry},
          {"fingerprint", clustering.fingerprint.text()},
          {"distance", statistics(clustering.distance)},
          {"clustering", read_json(folder / "clustering.json")}};
}

Json describe_json(const fs::path& path) {
  const Json content = read_json(path);
  std::string kind = "JSON";
  if (content.is_object() && content.contains("kind") && content["kind"].is_string()) {
    kind = content["kind"].get<std::string>();
  }
  return {{"kind", kind}, {"content", content}};
}

Json describe(const std::string& text, Progress& progress) {
  const fs::path path = text;
  if (fs::is_directory(path)) {
    if (io::is_clustering(path)) return describe_clustering(path);
    if (!fs::exists(path / "run.json")) {
      throw BadFile(fmt::format(
          "{}: a folder without run.json or clustering.json; for a folder of images say "
          "images:{}",
          text, text));
    }
    return {{"kind", "run"}, {"run", read_json(path / "run.json")}};
  }
  if (!fs::exists(path)) {
    if (text.find_first_of(":#") == std::string::npos && path.has_extension()) {
      throw BadFile(fmt::format("{}: no such file", text));
    }
    return describe_dataset(text, progress);
  }
  const std::string extension = path.extension().string();
  if (extension == ".npy") return describe_npy(path);
  if (extension == ".safetensors") return describe_safetensors(path);
  if (extension == ".json") return describe_json(path);
  if (extension == ".csv") {
    const auto table = io::read_csv(path);
    return {{"kind", "table"}, {"columns", table.header}, {"rows", table.rows.size()}};
  }
  if (extension == ".tar") return describe_dataset("images:" + text, progress);
  throw BadFile(
      fmt::format("{}: winnow does not know files of this kind; expected a .npy, "
                  ".safetensors, .json, .csv or .tar file, a run folder, or a dataset spec such as "
                  "fashion-mnist",
                  text));
}

/// "key: value" lines, nested objects indented.
std::string as_text(const Json& json, int indent) {
  std::string text;
  for (const auto& [key, value] : json.items()) {
    text += fmt::format("{:{}}{}:", "", indent, key);
    if (value.is_object() && !value.empty()) {
      text += "\n" + as_text(value, indent + 2);
    } else {
      text += " " + (value.is_string() ? value.get<std::string>() : dump_json(value)) + "\n";
    }
  }
  return text;
}

}  // namespace

void add_info(CLI::App& app, Session& session) {
  CLI::App& command = add_command(app, session, "info",
                                  "Say what a file, run folder or dataset is.", Output::none, "",
                                  "Examples:\n  winnow info scores.npy\n  winnow info runs/demo\n  "
                                  "winnow info fashion-mnist#test");
  auto path = std::make_shared<std::string>();
  command.add_option("FILE", *path, "A file that winnow reads or writes, a run folder, or a SPEC.")
      ->required();
  const auto work = [&session, path] {
    Json json = {{"path", *path}};
    json.update(describe(*path, session.terminal));
    session.print(json, as_text(json, 0));
  };
  on_run(command, session, work, Processes::many);
}

}  // namespace winnow::cli
