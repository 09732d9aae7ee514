#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/options.hpp"

namespace winnow {

/// JSON objects keep the order in which they were written: artifacts read well and never reshuffle.
using Json = nlohmann::ordered_json;

/// JSON as text, the one way out of every Json in winnow. File names and keys are bytes and may be
/// no UTF-8, which JSON cannot hold: U+FFFD stands for each byte that is none, and nothing is
/// thrown. Exports that are not JSON (keys, CSV, the kept files) hold the bytes themselves.
/// @param indent  Spaces a level; -1: all on one line.
std::string dump_json(const Json& json, int indent = -1);

/// `text` as dump_json() shows it, for other places that take UTF-8 only.
std::string to_utf8(std::string_view text);
inline bool is_utf8(std::string_view text) { return to_utf8(text) == text; }

/// "0.1.0".
const char* version();

/// One file that was read: its path as the user gave it and its content's hash ("" if not hashed).
struct InputFile {
  std::string path;
  std::string hash;
};

Json to_json(const std::vector<InputFile>& inputs);

/// Every field of an options struct as {"name": value, ...}, enums by name, TextFields as text.
template <class Options>
Json options_json(const Options& options) {
  Json json = Json::object();
  Options::fields(options, [&json]<class T>(const T& value, const FieldInfo& info) {
    if constexpr (std::is_enum_v<T>) {
      json[info.name] = enum_name(value);
    } else if constexpr (TextField<T>) {
      json[info.name] = value.text();
    } else {
      json[info.name] = value;
    }
  });
  return json;
}

/// dump_json() with a newline at the end; written atomically.
void write_json(const std::filesystem::path& path, const Json& json);
/// @throws BadFile with the byte offset of the first mistake.
Json read_json(const std::filesystem::path& path);

/// `NAME.json` beside `NAME.npy`.
std::filesystem::path sidecar_path(const std::filesystem::path& artifact);
/// Null when there is none. @throws BadFile when there is one that is not a JSON object.
Json read_sidecar(const std::filesystem::path& artifact);
/// Fingerprint of a sidecar ("fingerprint"), unknown when null or absent.
Fingerprint sidecar_fingerprint(const Json& sidecar);

/// Contents of `run.json`, the head of every output folder.
struct RunInfo {
  std::string kind;  ///< training, prune, score, compare, benchmark, experiment, theory, advise
  std::vector<std::string> command;  ///< argv as typed
  std::vector<InputFile> inputs;
  std::vector<std::string> files;     ///< relative to the run folder
  std::vector<std::string> children;  ///< folders of runs inside, e.g. trainings/linear-hard-0.5-s0
  Json options = Json::object();
  Json results = Json::object();
};

/// Writes FOLDER/run.json.
void write_run(const std::filesystem::path& folder, const RunInfo& run);
/// @throws BadFile when FOLDER/run.json is missing or not a winnow run.
RunInfo read_run(const std::filesystem::path& folder);

}  // namespace winnow
