#pragma once

#include <cstdint>

#include "winnow/core/matrix.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::cluster {

/// Rows are read, summed and divided among ranks in chunks of this size, whatever the number of
/// threads and ranks.
constexpr std::int64_t chunk_rows = 2048;

/// One rank's part of n rows: whole chunks, the ranks' one after another.
struct Part {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};
Part part_of(std::int64_t n, int rank, int ranks);

/// Rows to cluster, wherever they lie: in memory, or in files that do not fit there. Several
/// threads may read at once.
class Rows {
 public:
  virtual ~Rows() = default;

  virtual std::int64_t rows() const = 0;  ///< n, those of all ranks.
  virtual std::int64_t cols() const = 0;  ///< d

  /// Rows [begin, begin + count), finite: a view of where they lie, else of `buffer`, filled.
  ///
  /// @param buffer  [count, d]
  /// @throws Error naming the file and row when they cannot be had.
  virtual MatrixView<const float> read(std::int64_t begin, std::int64_t count,
                                       MatrixView<float> buffer) const = 0;
  /// Whether read() never needs its buffer: views may be kept, and reading costs nothing.
  virtual bool in_memory() const { return false; }
};

/// Rows of a matrix, which outlives this.
class MatrixRows final : public Rows {
 public:
  explicit MatrixRows(MatrixView<const float> matrix) : matrix_(matrix) {}
  std::int64_t rows() const override { return matrix_.rows(); }
  std::int64_t cols() const override { return matrix_.cols(); }
  MatrixView<const float> read(std::int64_t begin, std::int64_t count,
                               MatrixView<float> /*buffer*/) const override {
    return matrix_.block(begin, count);
  }
  bool in_memory() const override { return true; }

 private:
  MatrixView<const float> matrix_;
};

/// Rows of another source, divided by their Euclidean norms as numerics::normalize_rows() does:
/// the same bits. For who cannot hold a copy of all.
class UnitRows final : public Rows {
 public:
  explicit UnitRows(const Rows& rows) : rows_(rows) {}
  std::int64_t rows() const override { return rows_.rows(); }
  std::int64_t cols() const override { return rows_.cols(); }
  /// @throws InvalidArgument naming the first row of the block whose norm is zero.
  MatrixView<const float> read(std::int64_t begin, std::int64_t count,
                               MatrixView<float> buffer) const override;

 private:
  const Rows& rows_;
};

/// A rank's part of another source, read once and held in memory.
class LoadedRows final : public Rows {
 public:
  /// Reads the part in chunks, by all threads. Progress advances by rows.
  LoadedRows(const Rows& rows, const Part& part, Progress& progress = silent());
  std::int64_t rows() const override { return n_; }
  std::int64_t cols() const override { return values_.cols(); }
  /// Precondition: the rows are of the part.
  MatrixView<const float> read(std::int64_t begin, std::int64_t count,
                               MatrixView<float> /*buffer*/) const override {
    return values_.view().block(begin - part_.begin, count);
  }
  bool in_memory() const override { return true; }

 private:
  std::int64_t n_;
  Part part_;
  Matrix<float> values_;
};

}  // namespace winnow::cluster
