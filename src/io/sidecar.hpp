#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

/// What stands beside an array; all unknown when nothing does.
struct Sidecar {
  Json json;
  Fingerprint fingerprint;
  std::int64_t n = 0;  ///< rows of the dataset, 0: unknown
};

/// @throws BadFile naming the sidecar when it is damaged.
Sidecar load_sidecar(const std::filesystem::path& artifact);

/// An array and its sidecar that disagree were not written together.
/// @throws BadFile unless the sidecar's n is unknown or `rows`.
void require_sidecar_rows(const Sidecar& sidecar, const std::filesystem::path& artifact,
                          std::int64_t rows);

/// Writes array and sidecar. When it fails, both are as they were. Killed half way, this leaves an
/// array without a sidecar (its fingerprint is unknown), never one beside the sidecar of another.
void write_with_sidecar(const std::filesystem::path& artifact, const Json& sidecar,
                        const std::function<void()>& write_array);

/// The file's path with the hash of its whole content.
InputFile hashed_input(const NpyFile& file);

}  // namespace winnow::io
