// Reading embeddings (mapping, conversion to float32, check for NaN and Inf, XXH3) of a file that
// is in the page cache, against read(2) and a sum of the same bytes on one thread.
//
// Limit: `limit_GB/s` is that plain read's rate, measured here on the same file; `of_limit` is the
// reader's rate over it, above 1 where more threads help.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::io {
namespace {

constexpr std::int64_t n_rows = 100'000;
constexpr std::int64_t n_cols = 512;

/// Small whole numbers, exact in float16: value of (i, j) is (i + j) mod 8.
constexpr float exact_values[8] = {0, 1, 2, 3, 4, 5, 6, 7};
constexpr std::uint16_t float16_values[8] = {0x0000, 0x3C00, 0x4000, 0x4200,
                                             0x4400, 0x4500, 0x4600, 0x4700};

/// A `.npy` file in the folder for temporary files, removed at the end.
class TemporaryNpy {
 public:
  template <class T>
  TemporaryNpy(const char* descr, const T (&values)[8]) {
    std::string pattern = (std::filesystem::temp_directory_path() / "winnow-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw WorkFailed("cannot make " + pattern);
    folder_ = pattern;
    path_ = folder_ / "embeddings.npy";
    std::ofstream file(path_, std::ios::binary);
    file << header(descr);
    std::vector<T> row(n_cols);
    for (std::int64_t i = 0; i < n_rows; ++i) {
      for (std::int64_t j = 0; j < n_cols; ++j)
        row[static_cast<std::size_t>(j)] = values[(i + j) % 8];
      file.write(reinterpret_cast<const char*>(row.data()),
                 static_cast<std::streamsize>(row.size() * sizeof(T)));
    }
    if (!file.flush()) throw WorkFailed("cannot write " + path_.string());
  }
  TemporaryNpy(const TemporaryNpy&) = delete;
  TemporaryNpy& operator=(const TemporaryNpy&) = delete;
  ~TemporaryNpy() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  double bytes() const { return static_cast<double>(std::filesystem::file_size(path_)); }

 private:
  static std::string header(const char* descr) {
    std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}",
                                   descr, n_rows, n_cols);
    text.resize(128 - 10 - 1, ' ');
    return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + text + '\n';
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

const TemporaryNpy& float32_file() {
  static const TemporaryNpy file("<f4", exact_values);
  return file;
}
const TemporaryNpy& float16_file() {
  static const TemporaryNpy file("<f2", float16_values);
  return file;
}

/// Sum of the file's 8-byte words, read in pieces of 1 MiB.
std::uint64_t plain_read(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw WorkFailed("cannot open " + path.string());
  std::vector<std::uint64_t> piece(std::size_t{1} << 17U);
  std::uint64_t sum = 0;
  ssize_t got = 0;
  while ((got = read(file, piece.data(), piece.size() * sizeof(std::uint64_t))) > 0) {
    const std::size_t words = static_cast<std::size_t>(got) / sizeof(std::uint64_t);
    for (std::size_t i = 0; i < words; ++i) sum += piece[i];
  }
  close(file);
  return sum;
}

/// Bytes per second of plain_read(), best of several.
double plain_rate(const TemporaryNpy& file) {
  double best = 0.0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(plain_read(file.path()));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, file.bytes() / seconds.count());
  }
  return best;
}

bool is_right(const Embeddings& read) {
  if (read.rows.rows() != n_rows || read.rows.cols() != n_cols) return false;
  for (std::int64_t i = 0; i < n_rows; ++i) {
    for (std::int64_t j = 0; j < n_cols; ++j) {
      if (read.rows(i, j) != exact_values[(i + j) % 8]) return false;
    }
  }
  return true;
}

void read_embeddings_of(benchmark::State& state, const TemporaryNpy& file) {
  const double limit = plain_rate(file);
  if (!is_right(read_embeddings(file.path().string()))) state.SkipWithError("wrong values");
  const auto start = std::chrono::steady_clock::now();
  for ([[maybe_unused]] auto step : state) {
    benchmark::DoNotOptimize(read_embeddings(file.path().string()));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double rate = file.bytes() * static_cast<double>(state.iterations()) / seconds.count();
  state.counters["GB/s"] = rate / 1e9;
  state.counters["limit_GB/s"] = limit / 1e9;
  state.counters["of_limit"] = rate / limit;
}

void read_float32(benchmark::State& state) { read_embeddings_of(state, float32_file()); }
void read_float16(benchmark::State& state) { read_embeddings_of(state, float16_file()); }
BENCHMARK(read_float32)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(read_float16)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace winnow::io
