// Listing the images of a folder, a tar and WebDataset shards, and reading tars and folders in
// order, with everything in the page cache.
//
// Listing: `limit_s` is readdir(3) over the same folders, or libarchive's loop over the same
// headers, on one thread; `of_limit` is the limit over our time. Reading: `limit_GB/s` is read(2)
// in pieces of 1 MiB of the same file, or open, read and close of the same files; both sum all
// bytes on one thread. The trees have WINNOW_BENCH_ENTRIES images (128,000) in 1,000 classes.

#include <archive.h>
#include <archive_entry.h>
#include <benchmark/benchmark.h>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "io/image_store.hpp"
#include "unit/temp_folder.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::io {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t n_classes = 1000;
constexpr std::int64_t n_read = 4000;
constexpr std::size_t read_size = 110'000;  // about ImageNet's mean

std::int64_t n_entries() {
  const char* text = std::getenv("WINNOW_BENCH_ENTRIES");
  return text == nullptr ? 128'000 : std::stoll(text);
}

std::string class_name(std::int64_t c) { return fmt::format("n{:08}", c); }
std::string image_name(std::int64_t i) {
  return fmt::format("{0}/{0}_{1}.JPEG", class_name(i % n_classes), i / n_classes);
}

/// 1,000 folders of links to one empty file each: names are all that is listed.
fs::path make_tree(const fs::path& root) {
  for (std::int64_t c = 0; c < n_classes; ++c) {
    const fs::path folder = root / class_name(c);
    fs::create_directories(folder);
    std::ofstream(root / image_name(c));
  }
  for (std::int64_t i = n_classes; i < n_entries(); ++i) {
    fs::create_hard_link(root / image_name(i % n_classes), root / image_name(i));
  }
  return root;
}

class TarFile {
 public:
  explicit TarFile(const fs::path& path) : file_(path, std::ios::binary) {}

  void add(const std::string& name, std::string_view data) {
    char header[512] = {};
    name.copy(header, 100);
    std::snprintf(header + 100, 8, "0000644");
    std::snprintf(header + 108, 8, "0000000");
    std::snprintf(header + 116, 8, "0000000");
    std::snprintf(header + 124, 12, "%011zo", data.size());
    std::snprintf(header + 136, 12, "00000000000");
    std::memset(header + 148, ' ', 8);
    header[156] = '0';
    std::copy_n("ustar\00000", 8, header + 257);
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    std::snprintf(header + 148, 8, "%06o", sum);
    file_.write(header, 512);
    file_.write(data.data(), static_cast<std::streamsize>(data.size()));
    const std::string padding((512 - data.size() % 512) % 512, '\0');
    file_.write(padding.data(), static_cast<std::streamsize>(padding.size()));
  }
  void finish() {
    const std::string end(1024, '\0');
    file_.write(end.data(), 1024);
    if (!file_.flush()) throw WorkFailed("cannot write a tar");
  }

 private:
  std::ofstream file_;
};

fs::path make_tar(const fs::path& path) {
  TarFile tar(path);
  const std::int64_t n = n_entries();
  for (std::int64_t c = 0; c < n_classes; ++c) {
    for (std::int64_t i = c; i < n; i += n_classes) tar.add(image_name(i), "x");
  }
  tar.finish();
  return path;
}

/// .jpg, .cls and .json for each example.
fs::path make_web_tar(const fs::path& path) {
  TarFile tar(path);
  for (std::int64_t i = 0; i < n_entries(); ++i) {
    tar.add(fmt::format("{:09}.jpg", i), "x");
    tar.add(fmt::format("{:09}.cls", i), std::to_string(i % n_classes));
    tar.add(fmt::format("{:09}.json", i), "{}");
  }
  tar.finish();
  return path;
}

/// Bytes that do not compress or repeat within a page.
std::string image_bytes(std::int64_t i) {
  std::string bytes(read_size, '\0');
  std::uint32_t state = 1 + static_cast<std::uint32_t>(i);
  for (char& byte : bytes) {
    state = state * 1'664'525U + 1'013'904'223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

template <class Call>
double seconds_of(const Call& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class Call>
double best_seconds(const Call& call) {
  double best = seconds_of(call);
  for (int repeat = 0; repeat < 4; ++repeat) best = std::min(best, seconds_of(call));
  return best;
}

std::int64_t count_entries(const fs::path& folder) {
  std::int64_t count = 0;
  DIR* handle = opendir(folder.c_str());
  if (handle == nullptr) throw WorkFailed("cannot list " + folder.string());
  while (const dirent* entry = readdir(handle)) {
    if (entry->d_name[0] == '.') continue;
    count += entry->d_type == DT_DIR ? count_entries(folder / entry->d_name) : 1;
  }
  closedir(handle);
  return count;
}

std::int64_t count_members(const fs::path& path) {
  archive* handle = archive_read_new();
  archive_read_support_format_tar(handle);
  const MappedFile file(path);
  archive_read_open_memory(handle, file.bytes().data(), file.bytes().size());
  std::int64_t count = 0;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(handle, &entry) == ARCHIVE_OK) ++count;
  archive_read_free(handle);
  return count;
}

std::uint64_t sum_words(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    sum += word;
  }
  return sum;
}

std::uint64_t plain_read(const fs::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw WorkFailed("cannot open " + path.string());
  static std::vector<std::byte> piece(std::size_t{1} << 20U);
  std::uint64_t sum = 0;
  ssize_t got = 0;
  while ((got = read(file, piece.data(), piece.size())) > 0) {
    sum += sum_words(std::span(piece).first(static_cast<std::size_t>(got)));
  }
  close(file);
  return sum;
}

DatasetSpec spec_of(const fs::path& path) { return DatasetSpec::parse("images:" + path.string()); }

template <class Limit>
void list(benchmark::State& state, const fs::path& path, const Limit& limit) {
  const double limit_seconds = best_seconds([&] { benchmark::DoNotOptimize(limit(path)); });
  const ImageListing listing = list_images(spec_of(path), silent());
  if (listing.store->size() != n_entries() || listing.class_names.size() != n_classes) {
    state.SkipWithError("wrong list");
  }
  double seconds = 0;
  for ([[maybe_unused]] auto step : state) {
    seconds += seconds_of([&] { benchmark::DoNotOptimize(list_images(spec_of(path), silent())); });
  }
  seconds /= static_cast<double>(state.iterations());
  state.counters["entries/s"] = static_cast<double>(n_entries()) / seconds;
  state.counters["limit_s"] = limit_seconds;
  state.counters["of_limit"] = limit_seconds / seconds;
}

void list_folder_tree(benchmark::State& state) {
  const testing::TempFolder folder;
  list(state, make_tree(folder.path() / "tree"), count_entries);
}
void list_tar(benchmark::State& state) {
  const testing::TempFolder folder;
  list(state, make_tar(folder.path() / "a.tar"), count_members);
}
void list_web_dataset(benchmark::State& state) {
  const testing::TempFolder folder;
  list(state, make_web_tar(folder.path() / "a.tar"), count_members);
}

template <class Limit>
void read_all(benchmark::State& state, const fs::path& path, const Limit& limit) {
  const double limit_seconds = best_seconds([&] { benchmark::DoNotOptimize(limit()); });
  const ImageListing listing = list_images(spec_of(path), silent());
  const auto read = [&] {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < listing.store->size(); ++i) {
      listing.store->visit(i, [&](std::span<const std::byte> bytes) { sum += sum_words(bytes); });
    }
    return sum;
  };
  std::uint64_t expected = 0;
  for (std::int64_t i = 0; i < n_read; ++i) {
    const std::string bytes = image_bytes(i);
    expected += sum_words(std::as_bytes(std::span(bytes)));
  }
  if (read() != expected) state.SkipWithError("wrong bytes");
  double seconds = 0;
  for ([[maybe_unused]] auto step : state) {
    seconds += seconds_of([&] { benchmark::DoNotOptimize(read()); });
  }
  seconds /= static_cast<double>(state.iterations());
  const double bytes = static_cast<double>(n_read) * static_cast<double>(read_size);
  state.counters["GB/s"] = bytes / seconds / 1e9;
  state.counters["limit_GB/s"] = bytes / limit_seconds / 1e9;
  state.counters["of_limit"] = limit_seconds / seconds;
}

void read_tar(benchmark::State& state) {
  const testing::TempFolder folder;
  const fs::path path = folder.path() / "a.tar";
  TarFile tar(path);
  for (std::int64_t i = 0; i < n_read; ++i) tar.add(fmt::format("{:05}.jpg", i), image_bytes(i));
  tar.finish();
  read_all(state, path, [&] { return plain_read(path); });
}

void read_folder(benchmark::State& state) {
  const testing::TempFolder folder;
  const auto name = [&](std::int64_t i) { return folder.path() / fmt::format("{:05}.jpg", i); };
  for (std::int64_t i = 0; i < n_read; ++i) {
    std::ofstream(name(i), std::ios::binary) << image_bytes(i);
  }
  read_all(state, folder.path(), [&] {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < n_read; ++i) sum += plain_read(name(i));
    return sum;
  });
}

BENCHMARK(list_folder_tree)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(list_tar)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(list_web_dataset)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_tar)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_folder)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace winnow::io
