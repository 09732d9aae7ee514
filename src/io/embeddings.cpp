#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "io/finite.hpp"
#include "io/ordered_hash.hpp"
#include "io/shard_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t block_bytes = std::int64_t{256} << 10U;   // stays in L2 from pass to pass
constexpr std::int64_t fortran_bytes = std::int64_t{64} << 20U;  // hashed by one task
constexpr std::int64_t fortran_block_rows = 256;  // their cache lines stay in L1 over 16 columns

/// First (by row, then column) value that is not finite, found by any thread.
class FirstNonFinite {
 public:
  void add(std::int64_t row, std::int64_t col) {
    const std::pair position{row, col};
    const std::scoped_lock lock(mutex_);
    if (!first_ || position < *first_) first_ = position;
  }
  const std::optional<std::pair<std::int64_t, std::int64_t>>& get() const { return first_; }

 private:
  std::mutex mutex_;
  std::optional<std::pair<std::int64_t, std::int64_t>> first_;
};

/// Converts one shard into its rows of the matrix, looks for NaN and Inf and hashes the bytes:
/// block by block, in any order and by any thread, while a block is in the cache.
class ShardReader {
 public:
  ShardReader(const NpyFile& file, MatrixView<float> out, Progress& progress)
      : file_(file),
        out_(out),
        progress_(progress),
        block_rows_(std::max<std::int64_t>(1, block_bytes / (out.cols() * item_bytes()))),
        hash_(file, block_rows_ * out.cols()) {}

  /// None in Fortran order, where read_columns() does the work.
  std::int64_t n_blocks() const {
    return file_.fortran_order() ? 0 : (out_.rows() + block_rows_ - 1) / block_rows_;
  }

  void read_block(std::int64_t block) {
    const std::int64_t first = block * block_rows_;
    const auto rows = out_.block(first, std::min(block_rows_, out_.rows() - first));
    const std::span<float> values(rows.data(), static_cast<std::size_t>(rows.size()));
    file_.prefetch(first * out_.cols(), rows.size());
    file_.read<float>(first * out_.cols(), values);
    if (is_floating(file_.dtype()) && !all_finite(values)) {
      note_non_finite(first, first + rows.rows());
    }
    hash_.advance(block + 1);
    progress_.advance(rows.rows());
  }

  /// Call it when every block is read. @throws NonFiniteInput, BadFile.
  InputFile finish() {
    hash_.advance(n_blocks());
    file_.require_unchanged();
    throw_if_not_finite();
    return {file_.path().string(), hash_.text()};
  }

  /// In Fortran order: a group of columns at a time, the rows of each spread over the threads.
  void read_columns() {
    if (!file_.fortran_order()) return;
    const std::int64_t n = out_.rows();
    const std::int64_t per_chunk =
        std::clamp<std::int64_t>(fortran_bytes / (n * item_bytes()), 1, out_.cols());
    const std::int64_t n_blocks = (n + fortran_block_rows - 1) / fortran_block_rows;
    for (std::int64_t begin = 0; begin < out_.cols(); begin += per_chunk) {
      const std::int64_t end = std::min(out_.cols(), begin + per_chunk);
      parallel_blocks(n_blocks + 1, progress_, [&](std::int64_t task) {
        if (task == 0) return hash_.add(begin * n, (end - begin) * n);
        transpose((task - 1) * fortran_block_rows, begin, end);
      });
    }
    progress_.advance(n);
  }

 private:
  std::int64_t item_bytes() const { return static_cast<std::int64_t>(dtype_size(file_.dtype())); }

  void note_non_finite(std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      for (std::int64_t j = 0; j < out_.cols(); ++j) {
        if (!std::isfinite(out_(i, j))) return non_finite_.add(i, j);
      }
    }
  }

  /// Columns [begin, end) of up to fortran_block_rows rows.
  void transpose(std::int64_t first, std::int64_t begin, std::int64_t end) {
    const std::int64_t count = std::min(out_.rows() - first, fortran_block_rows);
    float buffer[fortran_block_rows];
    const std::span<float> values(buffer, static_cast<std::size_t>(count));
    for (std::int64_t j = begin; j < end; ++j) {
      file_.read<float>(j * out_.rows() + first, values);
      for (std::int64_t i = 0; i < count; ++i) out_(first + i, j) = buffer[i];
      if (all_finite(values)) continue;
      for (std::int64_t i = 0; i < count; ++i) {
        if (!std::isfinite(buffer[i])) non_finite_.add(first + i, j);
      }
    }
  }

  void throw_if_not_finite() const {
    if (!non_finite_.get()) return;
    const auto [row, col] = *non_finite_.get();
    double value = 0.0;
    file_.read<double>(file_.fortran_order() ? col * out_.rows() + row : row * out_.cols() + col,
                       {&value, 1});
    throw NonFiniteInput(fmt::format("{}: row {} column {} is {}", file_.path().string(), row, col,
                                     non_finite_text(value)));
  }

  const NpyFile& file_;
  MatrixView<float> out_;
  Progress& progress_;
  std::int64_t block_rows_;
  OrderedHash hash_;
  FirstNonFinite non_finite_;
};

/// Reads shard after shard in one parallel loop: many small shards cost no more than a large one.
std::vector<InputFile> read_shards(const std::vector<NpyFile>& files, MatrixView<float> out,
                                   Progress& progress) {
  std::deque<ShardReader> readers;  // they do not move
  std::vector<std::int64_t> first_blocks = {0};
  std::int64_t row = 0;
  for (const auto& file : files) {
    readers.emplace_back(file, out.block(row, file.shape()[0]), progress);
    row += file.shape()[0];
    first_blocks.push_back(first_blocks.back() + readers.back().n_blocks());
  }
  parallel_blocks(first_blocks.back(), progress, [&](std::int64_t block) {
    const auto after = std::upper_bound(first_blocks.begin(), first_blocks.end(), block);
    const auto shard = static_cast<std::size_t>(after - first_blocks.begin() - 1);
    readers[shard].read_block(block - first_blocks[shard]);
  });
  std::vector<InputFile> inputs;
  for (auto& reader : readers) {
    reader.read_columns();
    inputs.push_back(reader.finish());
  }
  return inputs;
}

}  // namespace

Embeddings read_embeddings(const std::string& shards, Progress& progress) {
  const std::vector<NpyFile> files = open_shards(shards);
  const std::int64_t n = rows_of(files);

  Embeddings result;
  result.fingerprint = sidecar_of(files, shards).fingerprint;
  progress.stage("read embeddings", n, "rows");
  result.rows = Matrix<float>::uninitialized(n, files.front().shape()[1]);
  result.inputs = read_shards(files, result.rows, progress);
  progress.done(fmt::format("{} x {}", result.rows.rows(), result.rows.cols()));
  return result;
}

void write_embeddings(const fs::path& path, MatrixView<const float> rows, const Json& sidecar,
                      const Fingerprint& fingerprint) {
  Json head = {{"kind", "embeddings"},
               {"n", rows.rows()},
               {"d", rows.cols()},
               {"fingerprint", fingerprint.text()}};
  if (sidecar.is_object()) head.update(sidecar);
  head["winnow"] = version();
  write_with_sidecar(path, head, [&] { write_npy(path, rows); });
}

}  // namespace winnow::io
