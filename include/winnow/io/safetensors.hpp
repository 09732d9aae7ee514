#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/core/files.hpp"

namespace winnow::io {

/// Types of safetensors' values, in the format's own order: item sizes rise.
enum class TensorType {
  boolean,
  uint8,
  int8,
  float8_e5m2,
  float8_e4m3,
  int16,
  uint16,
  float16,
  bfloat16,
  int32,
  uint32,
  float32,
  float64,
  int64,
  uint64
};

/// As the format spells it: "F32", "BF16", ...
const char* tensor_type_name(TensorType type);
/// Bytes of one value.
std::size_t tensor_type_size(TensorType type);

/// What a tensor is, without its values.
struct TensorSpec {
  std::string name;  ///< UTF-8, not "__metadata__"
  TensorType type = TensorType::float32;
  std::vector<std::int64_t> shape;  ///< empty: a scalar

  /// Product of the shape; 1 for a scalar.
  std::int64_t size() const;
  /// "[64, 3, 7, 7] F32".
  std::string describe() const;
};

/// A tensor whose values lie elsewhere: in a mapped file, or in the memory of who writes one.
struct TensorView : TensorSpec {
  /// Row-major, little-endian; size() times tensor_type_size(type), not always aligned.
  std::span<const std::byte> bytes;
};

using TensorMetadata = std::map<std::string, std::string>;

/// One mapped `.safetensors` file: named tensors, their values in one gapless run.
///
/// The file is taken as hostile: of its header (at most 100 MB) every name, type, shape and offset
/// is checked against the others and the file's length before anything is believed. Keys may come
/// once only; the tensors' bytes must cover the data without holes or overlaps, as the format
/// demands. Values are not looked at: NaN and Inf may be among them.
///
/// Format: https://github.com/huggingface/safetensors
class SafetensorsFile {
 public:
  /// @throws BadFile naming what was found; for PyTorch's own files (`.pt`, `.pth`: zip archives or
  ///         pickles, which can run code when loaded) with the line of Python that converts them.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  /// In the order of their bytes. Their views live as long as this object.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  /// The text pairs of "__metadata__"; empty when there is none.
  const TensorMetadata& metadata() const { return metadata_; }
  /// Null when there is none of this name. O(log n).
  const TensorView* find(std::string_view name) const;
  /// @throws BadFile when there is none of this name, with the nearest name.
  const TensorView& at(std::string_view name) const;

  /// Values of one of tensors() as float: float16, bfloat16 and small integers exactly, others
  /// rounded to the nearest; false and true become 0 and 1.
  /// @param out  tensor.size() values.
  /// @throws InvalidArgument out of another size; BadFile for float8 and where a finite float64 is
  ///         beyond float's range, naming the element; also when the file shrank meanwhile.
  void read(const TensorView& tensor, std::span<float> out) const;
  std::vector<float> read(const TensorView& tensor) const;

  /// The whole file: what a content hash covers.
  std::span<const std::byte> file_bytes() const { return file_.bytes(); }
  /// For who reads bytes, as MappedFile's: after reading, and at the end.
  void require_intact() const { file_.require_intact(); }
  void require_unchanged() const { file_.require_unchanged(); }

 private:
  MappedFile file_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> positions_;  ///< in tensors_, by name
  TensorMetadata metadata_;
};

/// One `.safetensors` file written tensor by tensor in bounded memory; it appears at commit(),
/// whole or not at all.
///
/// The tensors lie as the format's own library lays them, whatever the order given: by type (the
/// last of TensorType first, so that every value is aligned), then by name. The same tensors and
/// metadata give the same bytes.
class SafetensorsWriter {
 public:
  /// @throws InvalidArgument a name that is no UTF-8, "__metadata__" or given twice, a negative
  ///         length, more bytes than 63 bits count, a header beyond 100 MB; WorkFailed when the
  ///         file cannot be made.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                    const TensorMetadata& metadata = {});

  /// The tensors in the order in which append() wants them.
  const std::vector<TensorSpec>& tensors() const { return tensors_; }
  /// The next bytes of a tensor: all of them, or a piece. Tensors without values need no call.
  /// @throws InvalidArgument for a tensor whose turn it is not, or more bytes than it has;
  ///         WorkFailed (no space left, ...).
  void append(std::string_view name, std::span<const std::byte> bytes);
  /// @throws InvalidArgument when bytes are missing; WorkFailed.
  void commit();

 private:
  void skip_complete();

  std::string name_;
  std::vector<TensorSpec> tensors_;
  std::size_t current_ = 0;  ///< of tensors_, whose bytes are next
  std::size_t missing_ = 0;  ///< bytes of it
  AtomicFile file_;
};

/// Writes tensors that all are in memory, in any order. @throws as SafetensorsWriter; also
/// InvalidArgument when a tensor has more or fewer bytes than its shape says.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const TensorMetadata& metadata = {});

}  // namespace winnow::io
