#include <fmt/format.h>

#include <cmath>

#include "io/finite.hpp"
#include "io/sidecar.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

constexpr const char* direction = "larger is harder";

/// A sidecar's text field, "" when absent.
std::string text_field(const Sidecar& sidecar, const fs::path& path, const char* key) {
  const auto found = sidecar.json.find(key);
  if (found == sidecar.json.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  throw BadFile(fmt::format("{}: \"{}\" is {}; expected a text", sidecar_path(path).string(), key,
                            dump_json(*found)));
}

}  // namespace

Scores read_scores(const fs::path& path) {
  const NpyFile file(path);
  Scores scores;
  scores.values = read_vector_f64(file);
  if (scores.values.empty()) throw BadFile(fmt::format("{}: no scores in it", path.string()));
  for (std::size_t i = 0; i < scores.values.size(); ++i) {
    if (std::isfinite(scores.values[i])) continue;
    throw NonFiniteInput(
        fmt::format("{}: row {} is {}", path.string(), i, non_finite_text(scores.values[i])));
  }
  const Sidecar sidecar = load_sidecar(path);
  require_sidecar_rows(sidecar, path, file.size());
  scores.fingerprint = sidecar.fingerprint;
  scores.metric = text_field(sidecar, path, "metric");
  const std::string found = text_field(sidecar, path, "direction");
  if (!found.empty() && found != direction) {
    throw BadFile(fmt::format("{}: direction is '{}'; expected '{}'; negate the scores",
                              sidecar_path(path).string(), found, direction));
  }
  scores.inputs.push_back(hashed_input(file));
  return scores;
}

void write_scores(const fs::path& path, const Scores& scores, const Json& details) {
  Json json = {{"kind", "scores"},
               {"metric", scores.metric},
               {"direction", direction},
               {"n", scores.values.size()},
               {"fingerprint", scores.fingerprint.text()}};
  if (details.is_object()) json.update(details);
  json["winnow"] = version();
  json["inputs"] = to_json(scores.inputs);
  write_with_sidecar(path, json, [&] { write_npy(path, scores.values); });
}

}  // namespace winnow::io
