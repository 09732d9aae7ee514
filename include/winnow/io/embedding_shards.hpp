#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/matrix.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

/// Embeddings on disk, read piece by piece as float32 and never held as a whole: for more rows than
/// memory has room for. Several threads may read at once.
///
/// The first reading of a row looks for NaN and Inf; bytes are hashed when all before them in their
/// file have been read once, so that a pass over all rows hashes them, too.
class EmbeddingShards {
 public:
  /// @param shards  as of expand_shards()
  /// @throws BadFile not 2-d, no rows or columns, shards that differ, or Fortran order, whose rows
  ///         do not lie together.
  explicit EmbeddingShards(const std::string& shards);
  ~EmbeddingShards();
  EmbeddingShards(const EmbeddingShards&) = delete;
  EmbeddingShards& operator=(const EmbeddingShards&) = delete;

  std::int64_t rows() const;
  std::int64_t cols() const;
  std::int64_t shard_count() const;
  /// What is told by the file beside the arrays, as of read_embeddings().
  const Fingerprint& fingerprint() const { return fingerprint_; }
  /// Of the arrays in their files.
  std::int64_t file_bytes() const;
  /// Of the arrays, read so far, as often as that was.
  std::int64_t bytes_read() const { return bytes_read_.load(); }

  /// Rows [begin, begin + count) as float32.
  /// @param out  [count, d]
  /// @throws NonFiniteInput naming file, row (within the shard) and column; BadFile when a file
  ///         shrank meanwhile.
  void read(std::int64_t begin, std::int64_t count, MatrixView<float> out) const;

  /// Hashes of shards [first, last), read as far as that has not happened yet.
  /// @throws BadFile when a file has changed since it was opened.
  std::vector<InputFile> inputs(std::int64_t first, std::int64_t last) const;
  std::vector<InputFile> inputs() const { return inputs(0, shard_count()); }

 private:
  class Shard;

  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::int64_t> first_rows_;  ///< of the shards, and n
  Fingerprint fingerprint_;
  mutable std::atomic<std::int64_t> bytes_read_{0};
};

}  // namespace winnow::io
