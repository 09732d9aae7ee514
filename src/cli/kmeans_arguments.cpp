#include "cli/kmeans_arguments.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/numerics/vectors.hpp"

namespace winnow::cli {

namespace {

constexpr std::string_view units = "KMGT";
constexpr std::int64_t least_memory = std::int64_t{1} << 20U;

/// Memory of the machine, or of the control group that the process is held in.
std::int64_t machine_memory() {
  std::int64_t bytes = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  for (const char* name :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(name);
    std::int64_t limit = 0;
    if (file >> limit && limit > 0) bytes = std::min(bytes, limit);  // "max" is no number
  }
  return bytes;
}

}  // namespace

InitChoice InitChoice::parse(std::string_view field, std::string_view text) {
  InitChoice choice;
  if (text.ends_with(".npy")) {
    choice.file = text;
  } else {
    choice.init = parse_enum<cluster::Init>(field, text);
  }
  return choice;
}

MemoryLimit MemoryLimit::parse(std::string_view field, std::string_view text) {
  const auto fail = [&] {
    return InvalidArgument(fmt::format(
        "{} = '{}'; expected a number of bytes of at least 1M, such as 800M or 1.5G", field, text));
  };
  double number = 0.0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (code != std::errc{} || !std::isfinite(number)) throw fail();
  if (!unit.empty()) {
    const auto power = units.find(static_cast<char>(std::toupper(unit.front())));
    if (power == std::string_view::npos) throw fail();
    number *= std::pow(1024.0, static_cast<double>(power) + 1.0);
    unit.remove_prefix(1);
    if (!unit.empty() && unit != "B" && unit != "iB") throw fail();
  }
  if (number < static_cast<double>(least_memory) || number > 0x1p62) throw fail();
  return {static_cast<std::int64_t>(number)};
}

std::string MemoryLimit::text() const {
  return bytes == 0 ? "a quarter of the machine's" : std::to_string(bytes);
}

std::int64_t MemoryLimit::resolved() const { return bytes > 0 ? bytes : machine_memory() / 4; }

std::string bytes_text(std::int64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes < 1'000'000) return fmt::format("{:.0f} kB", std::ceil(number / 1e3));
  if (bytes < 1'000'000'000) return fmt::format("{:.0f} MB", number / 1e6);
  return fmt::format("{:.1f} GB", number / 1e9);
}

void bind_kmeans_options(CLI::App& command, cluster::KMeansOptions& options,
                         std::optional<std::int64_t>& clusters, InitChoice& init,
                         const std::string& clusters_default) {
  command.add_option("--clusters", clusters, "Number of clusters k, 1 to n.")
      ->check(&detail::integer_problem<std::int64_t>)
      ->type_name("INTEGER")
      ->default_str(clusters_default);
  cluster::KMeansOptions::fields(options, [&]<class T>(T& value, const FieldInfo& info) {
    const std::string_view name = info.name;
    if (name == "clusters") return;
    if (name == "init") {
      bind_option(command, init,
                  {.name = "init",
                   .help = "Rows that centroids start from: by k-means++, any, or of a file."});
    } else {
      bind_option(command, value, info);
    }
  });
}

std::int64_t default_clusters(std::int64_t n) {
  return std::max<std::int64_t>(1, std::llround(std::sqrt(static_cast<double>(n))));
}

Json size_summary(std::vector<std::int64_t> sizes) {
  std::ranges::sort(sizes);
  return {
      {"smallest", sizes.front()}, {"median", sizes[sizes.size() / 2]}, {"largest", sizes.back()}};
}

Matrix<float> read_centroids(const std::string& file, const std::optional<std::int64_t>& clusters,
                             Progress& progress) {
  Matrix<float> rows = io::read_embeddings(file, progress).rows;
  if (clusters && *clusters != rows.rows()) {
    throw InvalidArgument(
        fmt::format("clusters = {}, but {} holds {} centroids", *clusters, file, rows.rows()));
  }
  return rows;
}

std::optional<Matrix<float>> read_initial(const InitChoice& init, Geometry geometry,
                                          const std::optional<std::int64_t>& clusters,
                                          Progress& progress) {
  if (init.file.empty()) return {};
  Matrix<float> rows = read_centroids(init.file, clusters, progress);
  return geometry == Geometry::spherical ? numerics::normalize_rows(rows) : std::move(rows);
}

}  // namespace winnow::cli
