#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/image_store.hpp"
#include "io/manifest.hpp"
#include "io/ordered_blocks.hpp"
#include "io/path_table.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t files_per_block = 256;

/// Image files anywhere, as a manifest names them.
class ManifestStore final : public ImageStore {
 public:
  ManifestStore(fs::path folder, const std::vector<std::string>& paths)
      : folder_(std::move(folder)) {
    for (const auto& path : paths) paths_.add(path);
    paths_.shrink();
  }

  std::int64_t size() const override { return paths_.size(); }
  std::string key(std::int64_t index) const override { return std::string(paths_[index]); }
  std::string name(std::int64_t index) const override { return (folder_ / paths_[index]).string(); }
  void visit(std::int64_t index,
             const std::function<void(std::span<const std::byte>)>& use) const override {
    const std::string bytes = read_file(folder_ / paths_[index]);
    use(std::as_bytes(std::span(bytes)));
  }
  std::optional<fs::path> file(std::int64_t index) const override {
    return folder_ / paths_[index];
  }

 private:
  fs::path folder_;
  PathTable paths_;
};

/// @throws BadFile naming the line of the first file that is missing or no file.
void require_files(const Manifest& manifest, const fs::path& folder, Progress& progress) {
  const auto n = static_cast<std::int64_t>(manifest.paths.size());
  ordered_blocks((n + files_per_block - 1) / files_per_block, progress, [&](std::int64_t block) {
    const std::int64_t end = std::min(n, (block + 1) * files_per_block);
    for (auto i = static_cast<std::size_t>(block * files_per_block);
         i < static_cast<std::size_t>(end); ++i) {
      const fs::path path = folder / manifest.paths[i];
      const auto fail = [&](const std::string& found) {
        throw BadFile(fmt::format("{}: {}: {}", manifest.where(i), path.string(), found));
      };
      struct stat info {};
      if (::stat(path.c_str(), &info) != 0) {
        fail(std::string(std::strerror(errno)) +
             "; paths are relative to the folder of the manifest");
      }
      if (!S_ISREG(info.st_mode)) {
        fail(S_ISDIR(info.st_mode) ? "a folder; expected a file" : "not a regular file");
      }
    }
    progress.advance(end - block * files_per_block);
    return true;
  });
}

}  // namespace

ImageListing list_manifest(const DatasetSpec& spec, Progress& progress) {
  if (!spec.split.empty()) {
    throw InvalidArgument(
        fmt::format("{}: a manifest has no splits; write one for each", spec.text));
  }
  const fs::path file = spec.location;
  const Manifest manifest = read_manifest(file);
  require_files(manifest, file.parent_path(), progress);
  Labels labels = manifest_labels(manifest);
  return {std::make_unique<ManifestStore>(file.parent_path(), manifest.paths),
          "",
          std::move(labels.values),
          std::move(labels.class_names),
          {manifest.input}};
}

}  // namespace winnow::io
