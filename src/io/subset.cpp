#include <fmt/format.h>

#include "io/sidecar.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

void check_ids(const Subset& subset, const fs::path& path) {
  std::int64_t previous = -1;
  for (std::size_t i = 0; i < subset.ids.size(); ++i) {
    const std::int64_t id = subset.ids[i];
    if (id < 0) {
      throw BadFile(
          fmt::format("{}: row {} is {}; expected a sample id, 0 or more", path.string(), i, id));
    }
    if (id <= previous) {
      throw BadFile(
          fmt::format("{}: row {} is {} after {}; expected ids that increase, each once; "
                      "save numpy.unique(ids)",
                      path.string(), i, id, previous));
    }
    if (subset.dataset_size > 0 && id >= subset.dataset_size) {
      throw BadFile(fmt::format("{}: row {} is {}, but {} says that the dataset has n = {}",
                                path.string(), i, id, sidecar_path(path).string(),
                                subset.dataset_size));
    }
    previous = id;
  }
}

}  // namespace

Subset read_subset(const fs::path& path) {
  const NpyFile file(path);
  if (file.dtype() == DType::boolean) {
    throw BadFile(fmt::format("{}: {}, a mask; expected sample ids; save numpy.flatnonzero(mask)",
                              path.string(), file.describe()));
  }
  Subset subset;
  subset.ids = read_vector_i64(file);
  if (subset.ids.empty()) throw BadFile(fmt::format("{}: no sample ids in it", path.string()));
  const Sidecar sidecar = load_sidecar(path);
  subset.dataset_size = sidecar.n;
  subset.fingerprint = sidecar.fingerprint;
  check_ids(subset, path);
  subset.inputs.push_back(hashed_input(file));
  return subset;
}

void write_subset(const fs::path& path, const Subset& subset, const Json& details) {
  Json json = {{"kind", "selection"},
               {"n", subset.dataset_size},
               {"kept", subset.ids.size()},
               {"fingerprint", subset.fingerprint.text()}};
  if (details.is_object()) json.update(details);
  json["winnow"] = version();
  json["inputs"] = to_json(subset.inputs);
  write_with_sidecar(path, json, [&] { write_npy(path, subset.ids); });
}

void require_same_length(std::int64_t a, const std::string& name_a, std::int64_t b,
                         const std::string& name_b) {
  if (a == b) return;
  throw DatasetMismatch(fmt::format(
      "{} has {} rows, but {} has {}; make both from the same dataset", name_a, a, name_b, b));
}

}  // namespace winnow::io
