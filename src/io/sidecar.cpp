#include "io/sidecar.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

Sidecar load_sidecar(const fs::path& artifact) {
  Sidecar sidecar;
  sidecar.json = read_sidecar(artifact);
  if (sidecar.json.is_null()) return sidecar;
  const std::string name = sidecar_path(artifact).string();
  try {
    sidecar.fingerprint = sidecar_fingerprint(sidecar.json);
  } catch (const BadFile& error) {
    throw BadFile(fmt::format("{}: {}", name, error.what()));
  }
  if (const auto n = sidecar.json.find("n"); n != sidecar.json.end()) {
    if (!n->is_number_integer() || n->get<std::int64_t>() < 0) {
      throw BadFile(fmt::format("{}: \"n\" is {}; expected a number of rows", name, n->dump()));
    }
    sidecar.n = n->get<std::int64_t>();
  }
  return sidecar;
}

void require_sidecar_rows(const Sidecar& sidecar, const fs::path& artifact, std::int64_t rows) {
  if (sidecar.n == 0 || sidecar.n == rows) return;
  throw BadFile(fmt::format(
      "{}: {} rows, but {} beside it says n = {}; they were not written together; remove the "
      "sidecar or restore the array",
      artifact.string(), rows, sidecar_path(artifact).string(), sidecar.n));
}

void write_with_sidecar(const fs::path& artifact, const Json& sidecar,
                        const std::function<void()>& write_array) {
  const fs::path path = sidecar_path(artifact);
  std::error_code ignored;
  fs::remove(path, ignored);
  write_array();
  write_json(path, sidecar);
}

InputFile hashed_input(const NpyFile& file) {
  Hasher hasher;
  hasher.add(file.file_bytes().data(), file.file_bytes().size());
  file.require_unchanged();
  return {file.path().string(), hash_text(hasher.digest())};
}

}  // namespace winnow::io
