#pragma once

#include "winnow/cluster/rows.hpp"
#include "winnow/io/embedding_shards.hpp"

namespace winnow::cluster {

/// Rows of embeddings on disk, which outlive this.
class ShardRows final : public Rows {
 public:
  explicit ShardRows(const io::EmbeddingShards& shards) : shards_(shards) {}
  std::int64_t rows() const override { return shards_.rows(); }
  std::int64_t cols() const override { return shards_.cols(); }
  MatrixView<const float> read(std::int64_t begin, std::int64_t count,
                               MatrixView<float> buffer) const override {
    shards_.read(begin, count, buffer);
    return buffer;
  }

 private:
  const io::EmbeddingShards& shards_;
};

}  // namespace winnow::cluster
