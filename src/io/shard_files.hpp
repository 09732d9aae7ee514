#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/sidecar.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

/// Shards that `--embeddings` names, mapped: [n, d] each, of one width and dtype.
/// @throws BadFile naming the one that is not.
std::vector<NpyFile> open_shards(const std::string& text);

/// Rows of all shards.
std::int64_t rows_of(const std::vector<NpyFile>& files);

/// What stands beside the arrays: `NAME.json` of one file, or the `emb.json` of a folder of shards.
/// @param text  what named the shards
Sidecar sidecar_of(const std::vector<NpyFile>& files, const std::string& text);

}  // namespace winnow::io
