#include "winnow/io/clustering.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "io/finite.hpp"
#include "io/npy_header.hpp"
#include "io/sidecar.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr const char* json_name = "clustering.json";
constexpr const char* centroids_name = "centroids.npy";
constexpr const char* assignment_name = "assignment.npy";
constexpr const char* distance_name = "distance.npy";
constexpr const char* levels_name = "levels";

std::int64_t rows_of(const Clustering& clustering) {
  return static_cast<std::int64_t>(clustering.assignment.size());
}

bool is_spherical(const Clustering& clustering) { return clustering.geometry == "spherical"; }

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? "nothing" : dump_json(*found);
}

/// The head of the folder, checked for what every clustering says.
Sidecar read_head(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw BadFile(
        fmt::format("{}: no such folder; expected one that winnow cluster wrote", folder.string()));
  }
  if (!is_clustering(folder)) {
    throw BadFile(fmt::format(
        "{}: no {} in it; expected a folder that winnow cluster wrote (one that was killed while "
        "writing leaves none)",
        folder.string(), json_name));
  }
  Sidecar head = load_sidecar(folder / "clustering.npy");
  const auto kind = head.json.find("kind");
  if (kind == head.json.end() || *kind != "clustering") {
    throw BadFile(fmt::format(R"({}: "kind" is {}; expected "clustering")",
                              (folder / json_name).string(), text_of(head.json, "kind")));
  }
  return head;
}

std::string geometry_of(const Json& head, const fs::path& folder) {
  const auto found = head.find("geometry");
  if (found != head.end() && (*found == "spherical" || *found == "euclidean")) {
    return found->get<std::string>();
  }
  throw BadFile(fmt::format(R"({}: "geometry" is {}; expected "spherical" or "euclidean")",
                            (folder / json_name).string(), text_of(head, "geometry")));
}

Matrix<float> read_centroids(const NpyFile& file) {
  const std::string name = file.path().string();
  if (file.shape().size() != 2 || !is_floating(file.dtype()) || file.size() == 0) {
    throw BadFile(
        fmt::format("{}: {}; expected floating-point centroids [k, d] of at least one row "
                    "and one column",
                    name, file.describe()));
  }
  if (file.fortran_order()) {
    throw BadFile(
        fmt::format("{}: in Fortran order; expected C order; save "
                    "numpy.ascontiguousarray(centroids)",
                    name));
  }
  auto centroids = Matrix<float>::uninitialized(file.shape()[0], file.shape()[1]);
  const std::span<float> values(centroids.data(), static_cast<std::size_t>(centroids.size()));
  file.read<float>(0, values);
  for (std::size_t i = 0; i < values.size() && !all_finite(values); ++i) {
    if (std::isfinite(values[i])) continue;
    const auto position = static_cast<std::int64_t>(i);
    throw NonFiniteInput(fmt::format("{}: row {} column {} is {}", name,
                                     position / centroids.cols(), position % centroids.cols(),
                                     non_finite_text(values[i])));
  }
  return centroids;
}

std::vector<std::int32_t> read_assignment(const NpyFile& file, std::int64_t k) {
  const std::string name = file.path().string();
  if (file.shape().size() != 1 || is_floating(file.dtype()) || file.dtype() == DType::boolean) {
    throw BadFile(
        fmt::format("{}: {}; expected cluster numbers, integers [n]", name, file.describe()));
  }
  std::vector<std::int32_t> assignment(static_cast<std::size_t>(file.size()));
  file.read<std::int32_t>(0, assignment);
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    if (assignment[i] >= 0 && assignment[i] < k) continue;
    throw BadFile(fmt::format("{}: row {} is {}; expected a cluster in [0, {}), the rows of {}",
                              name, i, assignment[i], k, centroids_name));
  }
  return assignment;
}

std::vector<double> read_distance(const NpyFile& file, bool spherical) {
  const std::string name = file.path().string();
  if (file.shape().size() != 1 || !is_floating(file.dtype())) {
    throw BadFile(
        fmt::format("{}: {}; expected floating-point distances [n]", name, file.describe()));
  }
  std::vector<double> distance = read_vector_f64(file);
  const double most = spherical ? 2.0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < distance.size(); ++i) {
    if (!std::isfinite(distance[i])) {
      throw NonFiniteInput(fmt::format("{}: row {} is {}", name, i, non_finite_text(distance[i])));
    }
    if (distance[i] >= 0.0 && distance[i] <= most) continue;
    throw BadFile(fmt::format("{}: row {} is {}; expected {}", name, i, distance[i],
                              spherical ? "1 - cosine, in [0, 2]" : "a squared distance, >= 0"));
  }
  return distance;
}

/// What the JSON says of the shapes must be what the arrays are.
void require_count(const Json& head, const char* key, std::int64_t found, const fs::path& folder) {
  const auto told = head.find(key);
  if (told == head.end() || *told == found) return;
  throw BadFile(fmt::format(
      "{}: \"{}\" is {}, but the arrays beside it have {}; they were not written together",
      (folder / json_name).string(), key, dump_json(*told), found));
}

void require_consistent(const Clustering& clustering) {
  const std::int64_t n = rows_of(clustering);
  if (!is_spherical(clustering) && clustering.geometry != "euclidean") {
    throw InvalidArgument(fmt::format("clustering: geometry '{}'; expected spherical or euclidean",
                                      clustering.geometry));
  }
  if (clustering.centroids.empty() || n == 0 ||
      clustering.distance.size() != clustering.assignment.size()) {
    throw InvalidArgument(fmt::format(
        "clustering: centroids [{}, {}], {} assignments and {} distances; expected at "
        "least one centroid and as many assignments as distances",
        clustering.centroids.rows(), clustering.centroids.cols(), n, clustering.distance.size()));
  }
}

/// How many levels the folder's head tells of.
std::size_t levels_told(const fs::path& folder) {
  const Json head = read_json(folder / json_name);
  const auto levels = head.find("levels");
  return levels == head.end() || !levels->is_array() ? 1 : levels->size();
}

/// Everything of one array but its name: commit() gives that.
void fill(AtomicFile& file, DType dtype, std::span<const std::int64_t> shape,
          std::span<const std::byte> data) {
  file.write(npy_header_text(dtype, shape));
  file.write(data.data(), data.size());
  file.sync();
}

/// The files of one clustering, complete on disk but for their names.
class ClusteringFiles {
 public:
  ClusteringFiles(const fs::path& folder, const Clustering& clustering, const Json& details)
      : head_path_(folder / json_name),
        centroids_(folder / centroids_name),
        assignment_(folder / assignment_name),
        distance_(folder / distance_name),
        head_(head_path_) {
    const std::int64_t n = rows_of(clustering);
    const MatrixView<const float> centroids = clustering.centroids;
    const std::int64_t shape[] = {centroids.rows(), centroids.cols()};
    fill(centroids_, DType::float32, shape,
         std::as_bytes(std::span(centroids.data(), static_cast<std::size_t>(centroids.size()))));
    fill(assignment_, DType::int32, {&n, 1}, std::as_bytes(std::span(clustering.assignment)));
    fill(distance_, DType::float64, {&n, 1}, std::as_bytes(std::span(clustering.distance)));
    Json json = {{"kind", "clustering"},
                 {"n", n},
                 {"d", centroids.cols()},
                 {"clusters", centroids.rows()},
                 {"geometry", clustering.geometry},
                 {"fingerprint", clustering.fingerprint.text()}};
    if (details.is_object()) json.update(details);
    json["winnow"] = version();
    json["inputs"] = to_json(clustering.inputs);
    head_.write(dump_json(json, 2) + "\n");
    head_.sync();
  }

  /// No head lies beside arrays that are not its own.
  void drop_earlier() const {
    std::error_code code;
    fs::remove(head_path_, code);
    if (!code) return;
    throw WorkFailed(fmt::format("{}: cannot replace: {}", head_path_.string(), code.message()));
  }
  void commit() {
    centroids_.commit();
    assignment_.commit();
    distance_.commit();
    head_.commit();
  }

 private:
  fs::path head_path_;
  AtomicFile centroids_;
  AtomicFile assignment_;
  AtomicFile distance_;
  AtomicFile head_;
};

/// A folder that is gone at the end, with what was not moved out of it.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) { remove(); }
  ~TemporaryFolder() { remove(); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  fs::path path_;
};

/// Puts `made` in the place of the folder's earlier levels, or nothing.
void replace_levels(const fs::path& folder, const fs::path& made, bool any) {
  std::error_code code;
  fs::remove_all(folder / levels_name, code);
  if (!code && any) fs::rename(made, folder / levels_name, code);
  if (!code) return;
  throw WorkFailed(
      fmt::format("{}: cannot replace: {}", (folder / levels_name).string(), code.message()));
}

}  // namespace

bool is_clustering(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / json_name, ignored);
}

Clustering read_clustering(const fs::path& folder) {
  const Sidecar head = read_head(folder);
  const NpyFile centroids(folder / centroids_name);
  const NpyFile assignment(folder / assignment_name);
  const NpyFile distance(folder / distance_name);
  Clustering clustering;
  clustering.geometry = geometry_of(head.json, folder);
  clustering.fingerprint = head.fingerprint;
  clustering.centroids = read_centroids(centroids);
  clustering.assignment = read_assignment(assignment, clustering.centroids.rows());
  clustering.distance = read_distance(distance, is_spherical(clustering));
  if (assignment.size() == 0 || assignment.size() != distance.size()) {
    throw BadFile(fmt::format(
        "{}: {} has {} rows, but {} has {}; expected the same number, at "
        "least one",
        folder.string(), assignment_name, assignment.size(), distance_name, distance.size()));
  }
  require_count(head.json, "n", assignment.size(), folder);
  require_count(head.json, "d", clustering.centroids.cols(), folder);
  require_count(head.json, "clusters", clustering.centroids.rows(), folder);
  clustering.inputs = {hashed_input(centroids), hashed_input(assignment), hashed_input(distance)};
  return clustering;
}

std::vector<Clustering> read_hierarchy(const fs::path& folder) {
  std::vector<Clustering> levels = {read_clustering(folder)};
  const std::size_t n_levels = levels_told(folder);
  while (levels.size() < n_levels) {
    const fs::path path = folder / levels_name / std::to_string(levels.size());
    levels.push_back(read_clustering(path));
    const Clustering& below = levels[levels.size() - 2];
    const Clustering& level = levels.back();
    if (rows_of(level) == below.centroids.rows() &&
        level.centroids.cols() == below.centroids.cols() && level.geometry == below.geometry) {
      continue;
    }
    throw BadFile(fmt::format(
        "{}: {} rows of {} numbers, {}; expected the {} centroids of {} numbers, {}, of the level "
        "below; they were not written together",
        path.string(), rows_of(level), level.centroids.cols(), level.geometry,
        below.centroids.rows(), below.centroids.cols(), below.geometry));
  }
  return levels;
}

void write_clustering(const fs::path& folder, const Clustering& clustering, const Json& details) {
  write_hierarchy(folder, {&clustering, 1}, {&details, 1});
}

void write_hierarchy(const fs::path& folder, std::span<const Clustering> levels,
                     std::span<const Json> details) {
  for (const Clustering& level : levels) require_consistent(level);
  Json finest = details.front().is_object() ? details.front() : Json::object();
  if (levels.size() > 1) {
    for (const Clustering& level : levels) finest["levels"].push_back(level.centroids.rows());
  }
  make_folder(folder);
  const TemporaryFolder above(folder / fmt::format(".{}.tmp-new", levels_name));
  for (std::size_t level = 1; level < levels.size(); ++level) {
    ClusteringFiles(above.path() / std::to_string(level), levels[level], details[level]).commit();
  }
  ClusteringFiles files(folder, levels.front(), finest);
  files.drop_earlier();
  replace_levels(folder, above.path(), levels.size() > 1);
  files.commit();
}

}  // namespace winnow::io
