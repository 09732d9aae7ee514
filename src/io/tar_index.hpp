#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/image_names.hpp"
#include "io/path_table.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::io {

/// A file in a tar; `size` bytes at `offset` are its own.
struct TarMember {
  std::uint64_t header = 0;  ///< where its headers begin
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  FileRole role = FileRole::other;
};

/// The members of a tar in its order. Hidden names (`.x`) are left out; links and special files are
/// there as files of no role and no size.
struct TarIndex {
  PathTable paths;  ///< without `./` and double slashes
  std::vector<TarMember> members;
  std::vector<std::string> folders;  ///< members that are folders, in the tar's order
  std::uint64_t end = 0;             ///< where the end marker begins
};

/// Reads the headers of a plain tar: v7, ustar, GNU or pax.
/// @throws BadFile compressed, truncated, damaged, followed by another tar; a member that is
///         absolute or has `..` in its path; an image or label that is a link, a special file or
///         sparse, or claims more bytes than there are.
TarIndex index_tar(const MappedFile& file, Progress& progress);

/// The members in a piece of a tar that begins and ends at a member.
/// @param name  The tar, for messages.
TarIndex index_tar_piece(std::span<const std::byte> bytes, const std::string& name);

/// "photos.tar: member cat/1.png".
inline std::string member_name(const std::string& tar, std::string_view path) {
  return tar + ": member " + std::string(path);
}

}  // namespace winnow::io
