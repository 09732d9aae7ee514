#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "winnow/io/dataset.hpp"

// Sentences about what LibTorch refused, made from its own, much longer messages.

namespace winnow::train {

/// What is known of a file that LibTorch did not load.
struct ScriptArchive {
  std::string backend;                  ///< "LibTorch 1.13.0"
  std::int64_t newest_version = 0;      ///< Newest format version that it reads.
  bool has_code = false;                ///< A TorchScript archive, as far as it can be read.
  std::optional<std::int64_t> version;  ///< Format version that the file says.
};

/// Why `file` cannot be loaded and what to do, from LibTorch's `message` and the file's first
/// bytes.
std::string explain_load(const std::filesystem::path& file, const ScriptArchive& archive,
                         const std::string& message);

/// Why a module failed on `count` images of that shape, from LibTorch's `message`.
std::string explain_run(const std::filesystem::path& file, std::int64_t count,
                        const io::ImageShape& shape, const std::string& message);

/// The sentence of a LibTorch message that says what went wrong, without its traceback.
std::string useful_line(const std::string& message);

}  // namespace winnow::train
