#include "io/sidecar.hpp"

#include <fmt/format.h>

#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

/// A sidecar that is out of the way while its array is replaced, and back if that fails.
class EarlierSidecar {
 public:
  explicit EarlierSidecar(fs::path path)
      : path_(std::move(path)),
        aside_(path_.parent_path() / fmt::format(".{}.tmp-earlier", path_.filename().string())) {
    std::error_code code;
    if (!fs::is_regular_file(path_, code)) return;
    fs::rename(path_, aside_, code);
    moved_ = !code;
  }
  ~EarlierSidecar() {
    std::error_code ignored;
    if (moved_) fs::rename(aside_, path_, ignored);
  }
  EarlierSidecar(const EarlierSidecar&) = delete;
  EarlierSidecar& operator=(const EarlierSidecar&) = delete;

  /// Its array is gone: so is it.
  void drop() {
    std::error_code ignored;
    if (std::exchange(moved_, false)) fs::remove(aside_, ignored);
  }

 private:
  fs::path path_;
  fs::path aside_;
  bool moved_ = false;
};

}  // namespace

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
      throw BadFile(fmt::format("{}: \"n\" is {}; expected a number of rows", name, dump_json(*n)));
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
  AtomicFile file(path);
  file.write(dump_json(sidecar, 2) + "\n");
  file.sync();
  EarlierSidecar earlier(path);
  write_array();
  earlier.drop();
  file.commit();
}

InputFile hashed_input(const NpyFile& file) {
  Hasher hasher;
  hasher.add(file.file_bytes().data(), file.file_bytes().size());
  file.require_unchanged();
  return {file.path().string(), hash_text(hasher.digest())};
}

}  // namespace winnow::io
