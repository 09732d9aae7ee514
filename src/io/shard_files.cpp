#include "io/shard_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

NpyFile open_shard(const fs::path& path) {
  NpyFile file(path);
  if (file.shape().size() != 2) {
    throw BadFile(fmt::format("{}: {}; expected a two-dimensional array [n, d]", path.string(),
                              file.describe()));
  }
  if (file.size() == 0) {
    throw BadFile(fmt::format("{}: {}; expected at least one row and one column", path.string(),
                              file.describe()));
  }
  return file;
}

}  // namespace

std::vector<NpyFile> open_shards(const std::string& text) {
  std::vector<NpyFile> files;
  for (const auto& path : expand_shards(text)) {
    files.push_back(open_shard(path));
    const NpyFile& first = files.front();
    const NpyFile& last = files.back();
    if (last.shape()[1] != first.shape()[1] || last.dtype() != first.dtype()) {
      throw BadFile(fmt::format("{}: {}, but {} is {}; shards must have equal width and dtype",
                                path.string(), last.describe(), first.path().string(),
                                first.describe()));
    }
  }
  return files;
}

std::int64_t rows_of(const std::vector<NpyFile>& files) {
  std::int64_t n = 0;
  for (const auto& file : files) n += file.shape()[0];
  return n;
}

Sidecar sidecar_of(const std::vector<NpyFile>& files, const std::string& text) {
  std::error_code ignored;
  const bool whole_folder = fs::is_directory(text, ignored);
  const std::int64_t n = rows_of(files);
  const fs::path& first = files.front().path();
  if (files.size() == 1) {
    Sidecar sidecar = load_sidecar(first);
    require_sidecar_rows(sidecar, first, n);
    if (sidecar.json.is_object()) return sidecar;
  }
  const fs::path folder = first.parent_path();
  const bool together = std::all_of(files.begin(), files.end(), [&](const NpyFile& file) {
    return file.path().parent_path() == folder;
  });
  if (!together) return {};
  Sidecar sidecar = load_sidecar(folder / "emb.npy");
  if (!sidecar.json.is_object() || !sidecar.json.contains("shards")) return {};
  if (whole_folder) require_sidecar_rows(sidecar, folder / "emb.npy", n);
  // A choice of the shards is not the dataset that the sidecar tells of.
  return sidecar.n == n ? sidecar : Sidecar{};
}

}  // namespace winnow::io
