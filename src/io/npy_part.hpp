#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "winnow/io/npy.hpp"

namespace winnow::io {

/// A `.npy` array of which more rows come over a long time, perhaps over several processes: it lies
/// in TARGET.part until commit() completes the header and gives it its own name. Unlike AtomicFile
/// it stays when its process ends, and can be opened again. C order; the part's header says 0 rows.
class NpyPart {
 public:
  /// Starts anew, in place of a part that was there.
  /// @param row_shape  shape of one row, [] for a number; lengths of at least 1.
  /// @throws WorkFailed when it cannot be made.
  NpyPart(const std::filesystem::path& target, DType dtype,
          const std::vector<std::int64_t>& row_shape);
  /// Goes on after the first `rows` rows of TARGET.part, or of TARGET, which then is a part again.
  /// Later rows, and what a killed process left of a row, are cut off.
  /// @throws BadFile  neither is there; another dtype or row shape; fewer rows than that.
  static NpyPart reopen(const std::filesystem::path& target, DType dtype,
                        const std::vector<std::int64_t>& row_shape, std::int64_t rows);
  ~NpyPart();
  NpyPart(NpyPart&& other) noexcept;
  NpyPart& operator=(NpyPart&& other) noexcept;

  const std::filesystem::path& target() const { return target_; }
  static std::filesystem::path part_path(const std::filesystem::path& target);

  /// Appends values, in any pieces. float32 and float16 (rounded to the nearest, ties to even; what
  /// is beyond its range becomes Inf).
  void append(std::span<const float> values);
  /// For a dtype of these very bytes. @throws WorkFailed (no space left, ...).
  void append_bytes(std::span<const std::byte> bytes);
  /// The first `rows` rows as they lie in the file.
  std::vector<std::byte> read_rows(std::int64_t rows) const;

  /// fsync. @throws WorkFailed.
  void sync();
  /// Completes the header for `rows` rows, all that was appended. @throws WorkFailed.
  void seal(std::int64_t rows);
  /// Gives the array its own name, in place of what has it; seal() it before. @throws WorkFailed.
  void commit();

 private:
  NpyPart(std::filesystem::path target, DType dtype, std::vector<std::int64_t> row_shape,
          int flags);

  std::string header(std::int64_t rows) const;
  void cut_to(std::int64_t rows);
  void write_at(std::uint64_t offset, const void* bytes, std::size_t size);
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path target_;
  DType dtype_;
  std::vector<std::int64_t> row_shape_;
  std::uint64_t row_bytes_ = 0;
  std::uint64_t end_ = 0;  ///< where the next value goes
  int descriptor_ = -1;
};

}  // namespace winnow::io
