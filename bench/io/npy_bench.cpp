// Reading embeddings (mapping, conversion to float32, check for NaN and Inf, XXH3) of files that
// are in the page cache, against read(2) of the same bytes on one thread.
//
// Limit: `limit_GB/s` is the rate of a plain read into a new buffer for all of it, as the reader
// must fill one too, in 4 KiB pages as malloc gives it; `of_limit` is the reader's rate over it.
// `reused_GB/s` reads into one piece of 1 MiB again and again: what the page cache can give. Both
// are measured here, on the same files. What bounds all of them is memory bandwidth and first
// touches of new pages; the reader asks for huge pages, so it can beat the plain read. float16
// doubles what is written for each byte read. A machine that is busy shows best in CPU time.

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
#include <memory>
#include <string>
#include <vector>

#include "unit/temp_folder.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::io {
namespace {

constexpr std::int64_t n_rows = 100'000;
constexpr std::int64_t n_cols = 512;
constexpr std::size_t piece = std::size_t{1} << 20U;  // bytes of one read(2)

/// Small whole numbers, exact in float16: value of (i, j) is (i + j) mod 8.
constexpr float exact_values[8] = {0, 1, 2, 3, 4, 5, 6, 7};
constexpr std::uint16_t float16_values[8] = {0x0000, 0x3C00, 0x4000, 0x4200,
                                             0x4400, 0x4500, 0x4600, 0x4700};

/// `.npy` shards in the folder for temporary files, as clip-retrieval names them; removed at the
/// end.
class TemporaryShards {
 public:
  template <class T>
  TemporaryShards(const char* descr, const T (&values)[8], std::int64_t n_shards) {
    const std::int64_t rows = n_rows / n_shards;
    for (std::int64_t shard = 0; shard < n_shards; ++shard) {
      paths_.push_back(folder_ / fmt::format("img_emb_{}.npy", shard));
      write(paths_.back(), header(descr, rows), values, shard * rows, rows);
    }
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  const std::vector<std::filesystem::path>& paths() const { return paths_; }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& path : paths_) sum += std::filesystem::file_size(path);
    return sum;
  }

 private:
  template <class T>
  static void write(const std::filesystem::path& path, const std::string& header,
                    const T (&values)[8], std::int64_t first, std::int64_t rows) {
    std::ofstream file(path, std::ios::binary);
    file << header;
    std::vector<T> row(n_cols);
    for (std::int64_t i = first; i < first + rows; ++i) {
      for (std::int64_t j = 0; j < n_cols; ++j)
        row[static_cast<std::size_t>(j)] = values[(i + j) % 8];
      file.write(reinterpret_cast<const char*>(row.data()),
                 static_cast<std::streamsize>(row.size() * sizeof(T)));
    }
    if (!file.flush()) throw WorkFailed("cannot write " + path.string());
  }

  static std::string header(const char* descr, std::int64_t rows) {
    std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}",
                                   descr, rows, n_cols);
    text.resize(128 - 10 - 1, ' ');
    return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + text + '\n';
  }

  testing::TempFolder folder_;
  std::vector<std::filesystem::path> paths_;
};

/// Reads the shards one after the other in pieces of 1 MiB, each to where `place(offset)` says.
template <class Place>
void plain_read(const TemporaryShards& shards, const Place& place) {
  std::size_t offset = 0;
  for (const auto& path : shards.paths()) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw WorkFailed("cannot open " + path.string());
    ssize_t got = 0;
    while ((got = read(file, place(offset), piece)) > 0) offset += static_cast<std::size_t>(got);
    close(file);
  }
}

/// Bytes per second of `work`, best of several.
template <class Work>
double best_rate(std::size_t bytes, const Work& work) {
  double best = 0.0;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(bytes) / seconds.count());
  }
  return best;
}

double rate_into_new_buffer(const TemporaryShards& shards) {
  const std::size_t bytes = shards.bytes();
  return best_rate(bytes, [&] {
    const std::unique_ptr<std::byte[]> buffer(new std::byte[bytes + piece]);
    plain_read(shards, [&](std::size_t offset) { return buffer.get() + offset; });
    benchmark::DoNotOptimize(buffer[bytes - 1]);
  });
}

double rate_into_one_piece(const TemporaryShards& shards) {
  std::vector<std::byte> buffer(piece);
  return best_rate(shards.bytes(), [&] {
    plain_read(shards, [&](std::size_t /*offset*/) { return buffer.data(); });
    benchmark::DoNotOptimize(buffer.data());
  });
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

void read_embeddings_of(benchmark::State& state, const TemporaryShards& shards) {
  const double limit = rate_into_new_buffer(shards);
  const double reused = rate_into_one_piece(shards);
  const std::string folder = shards.folder().string();
  if (!is_right(read_embeddings(folder))) state.SkipWithError("wrong values");
  double best = 0.0;
  for ([[maybe_unused]] auto step : state) {
    best = std::max(best, best_rate(shards.bytes(),
                                    [&] { benchmark::DoNotOptimize(read_embeddings(folder)); }));
  }
  state.counters["GB/s"] = best / 1e9;
  state.counters["limit_GB/s"] = limit / 1e9;
  state.counters["of_limit"] = best / limit;
  state.counters["reused_GB/s"] = reused / 1e9;
}

void read_float32(benchmark::State& state) {
  static const TemporaryShards shards("<f4", exact_values, 1);
  read_embeddings_of(state, shards);
}
void read_float16(benchmark::State& state) {
  static const TemporaryShards shards("<f2", float16_values, 1);
  read_embeddings_of(state, shards);
}
void read_float16_shards(benchmark::State& state) {
  static const TemporaryShards shards("<f2", float16_values, 16);
  read_embeddings_of(state, shards);
}
BENCHMARK(read_float32)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
BENCHMARK(read_float16)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
BENCHMARK(read_float16_shards)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

}  // namespace
}  // namespace winnow::io
