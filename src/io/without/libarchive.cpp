#include "io/tar_index.hpp"
#include "winnow/core/not_built.hpp"

namespace winnow::io {

TarIndex index_tar(const MappedFile& file, Progress& /*progress*/) {
  throw_not_built(file.path().string() + ": tar files", "libarchive", "WINNOW_LIBARCHIVE");
}

TarIndex index_tar_piece(std::span<const std::byte> /*bytes*/, const std::string& name) {
  throw_not_built(name + ": tar files", "libarchive", "WINNOW_LIBARCHIVE");
}

}  // namespace winnow::io
