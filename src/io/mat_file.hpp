#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/mat_structure.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"

struct matvar_t;

namespace winnow::io {

/// The values of a MAT variable, in memory, first index fastest.
class MatArray {
 public:
  /// Takes what matio read.
  explicit MatArray(matvar_t* read) : variable_(read) {}

  /// Values of an array of class uint8. Empty for other classes.
  std::span<const std::uint8_t> bytes() const;
  /// Values of any class as whole numbers.
  /// @throws BadFile naming the element that is none.
  std::vector<std::int64_t> integers(const std::string& name) const;

 private:
  struct Free {
    void operator()(matvar_t* variable) const;
  };
  std::unique_ptr<matvar_t, Free> variable_;
};

/// A MAT file of version 5, read through matio.
///
/// matio sees nothing that was not checked before: parse_mat() compares every length with the
/// file's, and a compressed variable is unpacked once into nowhere, which proves its length and
/// checksum, before its values are given room.
class MatFile {
 public:
  /// @throws BadFile as parse_mat().
  explicit MatFile(const std::filesystem::path& path);

  const std::vector<MatVariable>& variables() const { return variables_; }
  /// @throws BadFile naming the variables that there are.
  const MatVariable& variable(std::string_view name) const;
  /// @throws BadFile damaged or truncated compressed data; the file changed meanwhile.
  MatArray read(const MatVariable& variable, Progress& progress = silent()) const;
  /// Path and hash of the file as it is on disk.
  const InputFile& input() const { return input_; }

 private:
  void check_stream(const MatVariable& variable, Progress& progress) const;

  MappedFile file_;
  std::vector<MatVariable> variables_;
  InputFile input_;
};

}  // namespace winnow::io
