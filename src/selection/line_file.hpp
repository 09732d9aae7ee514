#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "winnow/core/files.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::selection {

/// A text file written line by line, with progress and a look at cancellation every megabyte.
class LineFile {
 public:
  LineFile(const std::filesystem::path& path, Progress& progress)
      : file_(path), progress_(progress) {}

  void add(std::string_view line) {
    buffer_.append(line).push_back('\n');
    ++lines_;
    if (buffer_.size() > buffer_size) flush();
  }
  void commit() {
    flush();
    file_.commit();
  }

 private:
  static constexpr std::size_t buffer_size = std::size_t{1} << 20U;

  void flush() {
    progress_.throw_if_cancelled();
    file_.write(buffer_);
    progress_.advance(std::exchange(lines_, 0));
    buffer_.clear();
  }

  AtomicFile file_;
  Progress& progress_;
  std::string buffer_;
  std::int64_t lines_ = 0;
};

}  // namespace winnow::selection
