#include "cli/kmeans_checkpoint.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"
#include "winnow/io/safetensors.hpp"

namespace winnow::cli {

namespace {

constexpr const char* state_key = "winnow.kmeans";

io::TensorView view_of(const char* name, const Matrix<float>& matrix) {
  io::TensorView view;
  view.name = name;
  view.shape = {matrix.rows(), matrix.cols()};
  view.bytes = std::as_bytes(std::span(matrix.data(), static_cast<std::size_t>(matrix.size())));
  return view;
}

Matrix<float> matrix_of(const io::SafetensorsFile& file, const char* name) {
  const io::TensorView& tensor = file.at(name);
  if (tensor.shape.size() != 2 || tensor.type != io::TensorType::float32) {
    throw BadFile(fmt::format("{}: {} is {}; expected a matrix of F32", file.path().string(), name,
                              tensor.describe()));
  }
  Matrix<float> matrix(tensor.shape[0], tensor.shape[1]);
  file.read(tensor, {matrix.data(), static_cast<std::size_t>(matrix.size())});
  return matrix;
}

/// Names what two objects differ in; "" for nothing.
std::string difference(const Json& found, const Json& expected) {
  for (const auto& [key, value] : expected.items()) {
    if (!found.contains(key)) return fmt::format("no {}", key);
    if (found[key].is_object() && value.is_object()) {
      std::string inner = difference(found[key], value);
      if (!inner.empty()) return inner;
    } else if (found[key] != value) {
      return fmt::format("{} = {}, now {}", key, found[key].dump(), value.dump());
    }
  }
  return "";
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const cluster::KMeansState& state,
                      const Json& identity) {
  std::vector<io::TensorView> tensors = {view_of("centroids", state.centroids)};
  Json json = {{"identity", identity},
               {"objective", state.objective},
               {"restart", state.restart},
               {"converged", state.converged}};
  if (!state.best_objective.empty()) {
    tensors.push_back(view_of("best_centroids", state.best_centroids));
    json["best"] = {{"objective", state.best_objective},
                    {"restart", state.best_restart},
                    {"converged", state.best_converged}};
  }
  io::write_safetensors(path, tensors, {{state_key, json.dump()}});
}

std::optional<cluster::KMeansState> read_checkpoint(const std::filesystem::path& path,
                                                    const Json& identity) {
  if (!std::filesystem::exists(path)) return {};
  const io::SafetensorsFile file(path);
  const auto found = file.metadata().find(state_key);
  const auto fail = [&](const char* what) {
    return BadFile(
        fmt::format("{}: {}; expected a checkpoint that winnow wrote; remove the file "
                    "to begin anew",
                    path.string(), what));
  };
  if (found == file.metadata().end()) throw fail("no state of a clustering");
  cluster::KMeansState state;
  try {
    const Json json = Json::parse(found->second);
    const std::string different = difference(json.at("identity"), identity);
    if (!different.empty()) {
      throw InvalidArgument(fmt::format(
          "{}: a checkpoint of another clustering ({}); give another --checkpoint, or remove it",
          path.string(), different));
    }
    state.objective = json.at("objective").get<std::vector<double>>();
    state.restart = json.at("restart");
    state.converged = json.at("converged");
    if (json.contains("best")) {
      state.best_objective = json["best"].at("objective").get<std::vector<double>>();
      state.best_restart = json["best"].at("restart");
      state.best_converged = json["best"].at("converged");
      state.best_centroids = matrix_of(file, "best_centroids");
    }
  } catch (const Json::exception&) {
    throw fail("its state cannot be read");
  }
  if (state.objective.empty()) throw fail("its state has no objective");
  state.centroids = matrix_of(file, "centroids");
  file.require_unchanged();
  return state;
}

}  // namespace winnow::cli
