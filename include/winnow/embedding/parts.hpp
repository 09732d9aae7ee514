#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/embedding/encoder.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/io/npy.hpp"

namespace winnow {

/// What the numbers of embeddings are stored as.
enum class EmbeddingType { float32, float16 };

template <>
struct EnumNames<EmbeddingType> {
  static constexpr EnumName<EmbeddingType> values[] = {{EmbeddingType::float32, "float32"},
                                                       {EmbeddingType::float16, "float16"}};
};

namespace embedding {

/// Embeddings of one dataset on their way to a file: rows are kept in a folder part by part, so
/// that a run that is killed loses no more than one part.
///
/// Beside the parts, `parts.json` says what they belong to. A part appears whole or not at all.
/// Memory: one part, of at most 1024 rows (or one group of the encoder) and about 32 MiB.
class Parts {
 public:
  /// Takes over the parts that `folder` holds if they have the same identity, shape and type; parts
  /// of anything else are removed, which progress.warn() tells.
  /// @param identity  Everything that the rows depend on.
  /// @throws WorkFailed when the folder cannot be made or written.
  Parts(std::filesystem::path folder, const Encoder& encoder, const io::Dataset& dataset,
        EmbeddingType type, const Json& identity, Progress& progress);

  std::int64_t rows() const { return dataset_.size(); }
  std::int64_t dimensions() const { return encoder_.dimensions(); }
  /// Rows that were there already.
  std::int64_t rows_taken_over() const { return rows_taken_over_; }

  /// Encodes the parts that are missing.
  /// @throws as Encoder::encode(); InvalidArgument where float16 cannot hold a number, naming its
  ///         row; WorkFailed. What is finished stays.
  void encode(Progress& progress);

  /// Rows [begin, begin + out.rows()), after encode().
  void read(std::int64_t begin, MatrixView<float> out) const;
  /// The rows `ids`, increasing.
  Matrix<float> read(std::span<const std::int64_t> ids) const;
  /// Rows [begin, begin + count) as one `.npy` file of the parts' type, in bounded memory.
  void write(const std::filesystem::path& path, std::int64_t begin, std::int64_t count) const;

 private:
  std::int64_t part_count() const;
  std::int64_t rows_in(std::int64_t part) const;
  std::filesystem::path path_of(std::int64_t part) const;
  bool finished(std::int64_t part) const;
  void encode_part(std::int64_t part, Progress& progress) const;
  void require_float16(std::int64_t begin, MatrixView<const float> rows) const;

  std::filesystem::path folder_;
  const Encoder& encoder_;
  const io::Dataset& dataset_;
  io::DType type_;
  std::int64_t part_rows_;
  std::int64_t rows_taken_over_ = 0;
};

}  // namespace embedding
}  // namespace winnow
