#include "selection/tar_writer.hpp"
#include "winnow/core/not_built.hpp"

namespace winnow::selection {

// No object comes to be: the constructor throws.

struct TarWriter::State {};

TarWriter::TarWriter(const std::filesystem::path& target, bool /*ascii*/) {
  throw_not_built(target.string() + ": tar files", "libarchive", "WINNOW_LIBARCHIVE");
}

TarWriter::~TarWriter() = default;

void TarWriter::add(const io::ExampleFile& /*kept*/) {}

void TarWriter::commit() {}

}  // namespace winnow::selection
