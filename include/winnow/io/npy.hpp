#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/core/files.hpp"
#include "winnow/core/matrix.hpp"

namespace winnow::io {

enum class DType {
  boolean,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float16,
  float32,
  float64
};

/// "float32", ...
const char* dtype_name(DType dtype);
std::size_t dtype_size(DType dtype);
bool is_floating(DType dtype);

/// One mapped `.npy` array (format versions 1.0, 2.0 and 3.0, little-endian).
///
/// The header is checked against the file's length before anything is allocated: a file that is
/// shorter or longer than its header says is an error.
class NpyFile {
 public:
  /// @throws BadFile naming what was found: wrong magic, version, dtype (also big-endian, object
  ///         and structured ones), malformed header, negative shape, wrong length.
  explicit NpyFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  DType dtype() const { return dtype_; }
  bool fortran_order() const { return fortran_order_; }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  /// "[60000, 512] float32".
  std::string describe() const;
  /// Product of the shape; 1 for a scalar.
  std::int64_t size() const;
  /// The array's bytes, in the file's order.
  std::span<const std::byte> data() const;
  /// Header and array: what a content hash covers.
  std::span<const std::byte> file_bytes() const { return file_.bytes(); }

  /// Values [begin, begin + out.size()) in the file's memory order, converted to T: float, double,
  /// std::int32_t, std::int64_t or std::uint8_t. float16 widens exactly; to a narrower floating
  /// type values round.
  /// @throws BadFile naming the first element that an integer T cannot hold exactly; also when the
  ///         file shrank meanwhile.
  template <class T>
  void read(std::int64_t begin, std::span<T> out) const;

  /// Announces that values [begin, begin + count) of the memory order are read next.
  void prefetch(std::int64_t begin, std::int64_t count) const;
  /// For who reads data() or file_bytes(), as MappedFile's: after reading, and at the end.
  void require_intact() const { file_.require_intact(); }
  void require_unchanged() const { file_.require_unchanged(); }

 private:
  MappedFile file_;
  DType dtype_ = DType::float32;
  bool fortran_order_ = false;
  std::vector<std::int64_t> shape_;
  std::size_t offset_ = 0;
};

/// A one-dimensional array, converted. @throws BadFile when not 1-d.
std::vector<double> read_vector_f64(const NpyFile& file);
inline std::vector<double> read_vector_f64(const std::filesystem::path& path) {
  return read_vector_f64(NpyFile(path));
}
/// A one-dimensional integer (or bool) array. @throws BadFile when not 1-d or floating.
std::vector<std::int64_t> read_vector_i64(const NpyFile& file);
inline std::vector<std::int64_t> read_vector_i64(const std::filesystem::path& path) {
  return read_vector_i64(NpyFile(path));
}

/// One `.npy` array written row by row in bounded memory; it appears at commit(), whole or not at
/// all. Format version 1.0, C order.
class NpyWriter {
 public:
  /// @param shape  [rows, ...], at least one dimension.
  /// @param dtype  float32, or float16: values are rounded to the nearest, ties to even.
  /// @throws InvalidArgument another dtype, no dimension, a negative one, or too many for 64 bits;
  ///         WorkFailed when the file cannot be made.
  NpyWriter(const std::filesystem::path& path, std::vector<std::int64_t> shape, DType dtype);

  /// Appends whole rows, in C order. NaN and Inf are written as they are.
  /// @throws InvalidArgument for part of a row, more rows than the shape has, or a finite value
  ///         beyond float16's 65504, naming its row and column; WorkFailed (no space left, ...).
  void append(std::span<const float> rows);
  /// Rows appended so far.
  std::int64_t rows() const { return rows_; }
  /// @throws InvalidArgument when rows are missing; WorkFailed.
  void commit();

 private:
  void write_halves(std::span<const float> values);
  [[noreturn]] void throw_overflow(std::span<const float> values, std::size_t offset) const;

  std::string name_;
  std::vector<std::int64_t> shape_;
  DType dtype_;
  std::int64_t row_size_ = 1;
  std::int64_t rows_ = 0;
  AtomicFile file_;
};

/// Atomic writers, format version 1.0, C order.
void write_npy(const std::filesystem::path& path, std::span<const double> values);
void write_npy(const std::filesystem::path& path, std::span<const std::int64_t> values);
void write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values);
void write_npy(const std::filesystem::path& path, std::span<const std::uint8_t> values);
/// Same, dtype '|b1'; each value 0 or 1.
void write_npy_bool(const std::filesystem::path& path, std::span<const std::uint8_t> values);
void write_npy_bool(const std::filesystem::path& path, MatrixView<const std::uint8_t> values);
void write_npy(const std::filesystem::path& path, MatrixView<const float> values);

}  // namespace winnow::io
