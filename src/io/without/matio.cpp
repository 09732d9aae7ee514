#include "io/mat_file.hpp"
#include "winnow/core/not_built.hpp"

namespace winnow::io {

// No object comes to be: the constructor throws.

void MatArray::Free::operator()(matvar_t* /*variable*/) const {}

std::span<const std::uint8_t> MatArray::bytes() const { return {}; }

std::vector<std::int64_t> MatArray::integers(const std::string& /*name*/) const { return {}; }

MatFile::MatFile(const std::filesystem::path& path) : file_(path) {
  throw_not_built(path.string() + ": MAT files", "matio", "WINNOW_MATIO");
}

const MatVariable& MatFile::variable(std::string_view /*name*/) const { return variables_.front(); }

MatArray MatFile::read(const MatVariable& /*variable*/, Progress& /*progress*/) const {
  return MatArray(nullptr);
}

}  // namespace winnow::io
