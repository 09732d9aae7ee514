#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <utility>

#include "io/finite.hpp"
#include "io/sidecar.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t block_bytes = std::int64_t{1} << 20U;  // one task's share of a file
constexpr std::int64_t chunk_blocks = 64;                     // tasks between two progress ticks
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

/// Converts one shard into its rows of the matrix and hashes its bytes, in one pass over the file:
/// in every chunk one task feeds the hash, in file order, while the others convert.
class ShardReader {
 public:
  ShardReader(const NpyFile& file, MatrixView<float> out, Progress& progress)
      : file_(file), out_(out), progress_(progress) {}

  /// Returns the hash.
  std::string read() {
    const auto header = file_.file_bytes().size() - file_.data().size();
    hasher_.add(file_.file_bytes().data(), header);
    if (file_.fortran_order()) {
      read_columns();
    } else {
      read_rows();
    }
    throw_if_not_finite();
    return hash_text(hasher_.digest());
  }

 private:
  std::int64_t item_bytes() const { return static_cast<std::int64_t>(dtype_size(file_.dtype())); }

  void hash_values(std::int64_t begin, std::int64_t count) {
    hasher_.add(file_.data().data() + begin * item_bytes(),
                static_cast<std::size_t>(count * item_bytes()));
  }

  void read_rows() {
    const std::int64_t d = out_.cols();
    const std::int64_t per_block = std::max<std::int64_t>(1, block_bytes / (d * item_bytes()));
    for (std::int64_t begin = 0; begin < out_.rows(); begin += per_block * chunk_blocks) {
      const std::int64_t end = std::min(out_.rows(), begin + per_block * chunk_blocks);
      const std::int64_t n_blocks = (end - begin + per_block - 1) / per_block;
      parallel_blocks(n_blocks + 1, progress_, [&](std::int64_t task) {
        if (task == 0) return hash_values(begin * d, (end - begin) * d);
        const std::int64_t first = begin + (task - 1) * per_block;
        const std::int64_t last = std::min(end, first + per_block);
        const auto rows = out_.block(first, last - first);
        const std::span<float> values(rows.data(), static_cast<std::size_t>(rows.size()));
        file_.read<float>(first * d, values);
        if (!is_floating(file_.dtype()) || all_finite(values)) return;
        note_non_finite(first, last);
      });
      progress_.advance(end - begin);
    }
  }

  void read_columns() {
    const std::int64_t n = out_.rows();
    const std::int64_t per_chunk =
        std::clamp<std::int64_t>(chunk_blocks * block_bytes / (n * item_bytes()), 1, out_.cols());
    const std::int64_t n_blocks = (n + fortran_block_rows - 1) / fortran_block_rows;
    for (std::int64_t begin = 0; begin < out_.cols(); begin += per_chunk) {
      const std::int64_t end = std::min(out_.cols(), begin + per_chunk);
      parallel_blocks(n_blocks + 1, progress_, [&](std::int64_t task) {
        if (task == 0) return hash_values(begin * n, (end - begin) * n);
        transpose((task - 1) * fortran_block_rows, begin, end);
      });
    }
    progress_.advance(n);
  }

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
  Hasher hasher_;
  FirstNonFinite non_finite_;
};

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

}  // namespace

Embeddings read_embeddings(const std::string& shards, Progress& progress) {
  const std::vector<NpyFile> files = open_shards(shards);
  std::int64_t n = 0;
  for (const auto& file : files) n += file.shape()[0];

  Embeddings result;
  if (files.size() == 1) {
    const Sidecar sidecar = load_sidecar(files.front().path());
    require_sidecar_rows(sidecar, files.front().path(), n);
    result.fingerprint = sidecar.fingerprint;
  }
  progress.stage("read embeddings", n, "rows");
  result.rows = Matrix<float>(n, files.front().shape()[1]);
  std::int64_t begin = 0;
  for (const auto& file : files) {
    const std::int64_t rows = file.shape()[0];
    ShardReader reader(file, result.rows.view().block(begin, rows), progress);
    result.inputs.push_back({file.path().string(), reader.read()});
    begin += rows;
  }
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
