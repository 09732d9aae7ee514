#include "selection/kept_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "selection/tar_writer.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::selection {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t batch_size = 64;  // files between two looks at progress

bool is_safe(const std::string& key) {
  const fs::path path(key);
  if (key.empty() || key.find('\0') != std::string::npos || path.is_absolute()) return false;
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) {
    return part.empty() || part == "." || part == "..";
  });
}

/// The key, with the extension of its bytes where it has no own file that gives it one.
std::string with_extension(std::string key, std::string_view mime) {
  std::string extension = fs::path(key).extension().string();
  for (char& letter : extension) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  if (mime == "image/jpeg") {
    if (extension != ".jpg" && extension != ".jpeg") key += ".jpg";
  } else {
    const char* own = mime == "image/webp" ? ".webp" : ".png";
    if (extension != own) key += own;
  }
  return key;
}

using KeptFiles = std::vector<io::ExampleFile>;

/// One kept example as files: mostly its image alone.
KeptFiles load(const io::Dataset& dataset, std::int64_t id) {
  KeptFiles files = dataset.files(id);
  if (!files.empty()) return files;
  if (const auto source = dataset.file(id)) {
    constexpr std::size_t no_limit = ~std::size_t{0};
    return {{dataset.key(id), read_file(*source, no_limit)}};
  }
  io::EncodedImage image = dataset.encoded_image(id);
  return {{with_extension(dataset.key(id), image.mime), std::move(image.bytes)}};
}

void write_new(const fs::path& path, const std::string& bytes) {
  // Inside a folder that is moved into place when complete: no file needs its own rename and sync.
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  std::size_t done = 0;
  int code = descriptor < 0 ? errno : 0;
  while (code == 0 && done < bytes.size()) {
    const ssize_t written = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      code = errno;
    }
  }
  if (descriptor >= 0 && ::close(descriptor) != 0 && code == 0) code = errno;
  if (code != 0) {
    throw WorkFailed(fmt::format("{}: cannot write: {}", path.string(), std::strerror(code)));
  }
}

void place_link(const io::Dataset& dataset, std::int64_t id, const fs::path& folder) {
  const fs::path path = folder / dataset.key(id);
  make_folder(path.parent_path());
  std::error_code code;
  fs::create_symlink(fs::absolute(*dataset.file(id)), path, code);
  if (code) throw WorkFailed(fmt::format("{}: cannot link: {}", path.string(), code.message()));
}

void place_copy(const io::Dataset& dataset, std::int64_t id, const fs::path& folder) {
  for (const io::ExampleFile& file : load(dataset, id)) {
    const fs::path path = folder / file.name;
    make_folder(path.parent_path());
    write_new(path, file.bytes);
  }
}

/// Calls `work(begin, end)` for runs of at most batch_size ids.
template <class Work>
void in_batches(std::int64_t n, const Work& work) {
  for (std::int64_t begin = 0; begin < n; begin += batch_size)
    work(begin, std::min(n, begin + batch_size));
}

void write_tar(const fs::path& target, const io::Dataset& dataset,
               std::span<const std::int64_t> ids, Progress& progress) {
  const bool ascii = std::all_of(ids.begin(), ids.end(), [&](std::int64_t id) {
    const std::string key = dataset.key(id);
    return std::none_of(key.begin(), key.end(), [](char byte) { return (byte & 0x80) != 0; });
  });
  TarWriter tar(target, ascii);
  in_batches(static_cast<std::int64_t>(ids.size()), [&](std::int64_t begin, std::int64_t end) {
    std::vector<KeptFiles> batch(static_cast<std::size_t>(end - begin));
    parallel_blocks(end - begin, progress,
                    [&](std::int64_t i) { batch[i] = load(dataset, ids[begin + i]); });
    for (const KeptFiles& files : batch) {
      for (const io::ExampleFile& file : files) tar.add(file);
    }
    progress.advance(end - begin);
  });
  progress.throw_if_cancelled();
  tar.commit();
}

/// One sync of the file system in place of one for each of many files.
void sync_all(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::syncfs(descriptor) == 0;
  const int code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) {
    throw WorkFailed(fmt::format("{}: cannot sync: {}", folder.string(), std::strerror(code)));
  }
}

void write_folder(const fs::path& target, const io::Dataset& dataset,
                  std::span<const std::int64_t> ids, FileMode mode, Progress& progress) {
  make_folder(target);
  const auto n = static_cast<std::int64_t>(ids.size());
  parallel_blocks((n + batch_size - 1) / batch_size, progress, [&](std::int64_t block) {
    const std::int64_t end = std::min(n, (block + 1) * batch_size);
    for (std::int64_t i = block * batch_size; i < end; ++i) {
      (mode == FileMode::link ? place_link : place_copy)(dataset, ids[i], target);
    }
    progress.advance(end - block * batch_size);
  });
  sync_all(target);
}

}  // namespace

void check_kept_files(const io::Dataset* dataset, std::span<const std::int64_t> ids,
                      FileMode mode) {
  if (dataset == nullptr || !dataset->has_images()) {
    throw InvalidArgument(fmt::format(
        "files = {}: {}; expected a dataset of images: give --data SPEC, or leave --files out",
        enum_name(mode),
        dataset == nullptr ? "no dataset was given" : dataset->name() + " has no images"));
  }
  std::vector<std::string> keys;
  for (const std::int64_t id : ids) {
    keys.push_back(dataset->key(id));
    if (!is_safe(keys.back())) {
      throw BadFile(
          fmt::format("{}: example {} has key '{}'; expected a relative path without "
                      "'.', '..' or empty parts; rename that file, or use --write csv",
                      dataset->name(), id, keys.back()));
    }
    if (mode == FileMode::link && !dataset->file(id)) {
      throw InvalidArgument(
          fmt::format("files = link: example {} ('{}') of {} has no file of its "
                      "own to link to; use --files copy or --files tar",
                      id, keys.back(), dataset->name()));
    }
  }
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) {
    throw BadFile(
        fmt::format("{}: two kept examples have key '{}'; expected a key of its own for "
                    "each; rename one of the files",
                    dataset->name(), *twice));
  }
}

void write_kept_files(const fs::path& folder, const io::Dataset& dataset,
                      std::span<const std::int64_t> ids, FileMode mode, Progress& progress) {
  progress.stage(fmt::format("{} files", enum_name(mode)), static_cast<std::int64_t>(ids.size()),
                 "files");
  if (mode == FileMode::tar) {
    write_tar(folder / "kept.tar", dataset, ids, progress);
  } else {
    write_folder(folder / "files", dataset, ids, mode, progress);
  }
  progress.done(fmt::format("{} files", ids.size()));
}

}  // namespace winnow::selection
