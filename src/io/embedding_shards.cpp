#include "winnow/io/embedding_shards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "io/finite.hpp"
#include "io/shard_files.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

/// One file, and how much of it has been read.
class EmbeddingShards::Shard {
 public:
  /// @param first_row  of the file, among those of all files: blocks begin at multiples of their
  ///                   size from row 0 of all, as the pieces do that are read
  Shard(NpyFile file, std::int64_t first_row)
      : file_(std::move(file)),
        offset_(first_row % block_rows),
        seen_(static_cast<std::size_t>((rows() + offset_ + block_rows - 1) / block_rows)) {
    hasher_.add(file_.file_bytes().data(), file_.file_bytes().size() - file_.data().size());
  }

  std::int64_t rows() const { return file_.shape()[0]; }
  std::int64_t cols() const { return file_.shape()[1]; }
  std::int64_t row_bytes() const {
    return cols() * static_cast<std::int64_t>(dtype_size(file_.dtype()));
  }

  void read(std::int64_t begin, MatrixView<float> out) {
    const std::span<float> values(out.data(), static_cast<std::size_t>(out.size()));
    file_.prefetch(begin * cols(), out.size());
    file_.read<float>(begin * cols(), values);
    const std::int64_t end = begin + out.rows();
    // Blocks that lie within.
    const std::int64_t first = begin == 0 ? 0 : (begin + offset_ + block_rows - 1) / block_rows;
    const std::int64_t last = end == rows() ? std::ssize(seen_) : (end + offset_) / block_rows;
    bool known = first < last && start_of(first) == begin && start_of(last) == end;
    for (std::int64_t b = first; known && b < last; ++b) known = seen_[at(b)].load();
    if (known) return;
    if (is_floating(file_.dtype()) && !all_finite(values)) throw_not_finite(begin, out);
    for (std::int64_t b = first; b < last; ++b) seen_[at(b)].store(true);
    hash_seen();
  }

  InputFile input() {
    const std::scoped_lock lock(mutex_);
    hash_to(std::ssize(seen_));
    file_.require_unchanged();
    return {file_.path().string(), hash_text(hasher_.digest())};
  }

 private:
  static constexpr std::int64_t block_rows = 512;

  std::int64_t start_of(std::int64_t block) const {
    return std::clamp<std::int64_t>(block * block_rows - offset_, 0, rows());
  }
  static std::size_t at(std::int64_t block) { return static_cast<std::size_t>(block); }

  /// Feeds the hash with what has been read up to the first gap. While another thread is at it,
  /// that one will, or who comes next.
  void hash_seen() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    std::int64_t end = hashed_;
    while (end < std::ssize(seen_) && seen_[at(end)].load()) ++end;
    hash_to(end);
  }

  void hash_to(std::int64_t block) {
    const std::int64_t begin = start_of(hashed_) * row_bytes();
    const std::int64_t end = start_of(block) * row_bytes();
    hasher_.add(file_.data().data() + begin, static_cast<std::size_t>(end - begin));
    hashed_ = block;
  }

  [[noreturn]] void throw_not_finite(std::int64_t begin, MatrixView<const float> rows) const {
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
      for (std::int64_t j = 0; j < rows.cols(); ++j) {
        if (std::isfinite(rows(i, j))) continue;
        double value = 0.0;
        file_.read<double>((begin + i) * cols() + j, {&value, 1});
        throw NonFiniteInput(fmt::format("{}: row {} column {} is {}", file_.path().string(),
                                         begin + i, j, non_finite_text(value)));
      }
    }
    throw BadFile(fmt::format("{}: changed while it was read", file_.path().string()));
  }

  NpyFile file_;
  std::int64_t offset_;
  std::vector<std::atomic<bool>> seen_;  ///< by blocks of rows
  std::mutex mutex_;                     ///< of what follows
  std::int64_t hashed_ = 0;              ///< blocks
  Hasher hasher_;
};

EmbeddingShards::EmbeddingShards(const std::string& shards) {
  std::vector<NpyFile> files = open_shards(shards);
  fingerprint_ = sidecar_of(files, shards).fingerprint;
  first_rows_.push_back(0);
  for (NpyFile& file : files) {
    if (file.fortran_order()) {
      throw BadFile(fmt::format(
          "{}: {}, whose rows do not lie together and cannot be read piece by piece; save it with "
          "numpy.ascontiguousarray(), or give a --memory that holds all rows",
          file.path().string(), file.describe()));
    }
    shards_.push_back(std::make_unique<Shard>(std::move(file), first_rows_.back()));
    first_rows_.push_back(first_rows_.back() + shards_.back()->rows());
  }
}

EmbeddingShards::~EmbeddingShards() = default;

std::int64_t EmbeddingShards::rows() const { return first_rows_.back(); }
std::int64_t EmbeddingShards::cols() const { return shards_.front()->cols(); }
std::int64_t EmbeddingShards::shard_count() const { return std::ssize(shards_); }
std::int64_t EmbeddingShards::file_bytes() const { return rows() * shards_.front()->row_bytes(); }

void EmbeddingShards::read(std::int64_t begin, std::int64_t count, MatrixView<float> out) const {
  auto shard = static_cast<std::size_t>(
      std::upper_bound(first_rows_.begin(), first_rows_.end(), begin) - first_rows_.begin() - 1);
  for (std::int64_t done = 0; done < count; ++shard) {
    const std::int64_t first = begin + done - first_rows_[shard];
    const std::int64_t here = std::min(count - done, shards_[shard]->rows() - first);
    shards_[shard]->read(first, out.block(done, here));
    done += here;
  }
  bytes_read_ += count * shards_.front()->row_bytes();
}

std::vector<InputFile> EmbeddingShards::inputs(std::int64_t first, std::int64_t last) const {
  std::vector<InputFile> inputs;
  for (std::int64_t s = first; s < last; ++s) {
    inputs.push_back(shards_[static_cast<std::size_t>(s)]->input());
  }
  return inputs;
}

}  // namespace winnow::io
