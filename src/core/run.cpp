#include "winnow/core/run.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow {

namespace fs = std::filesystem;

std::string dump_json(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string to_utf8(std::string_view text) {
  return Json::parse(dump_json(text)).get<std::string>();
}

const char* version() { return WINNOW_VERSION; }

Json to_json(const std::vector<InputFile>& inputs) {
  Json list = Json::array();
  for (const auto& input : inputs) list.push_back({{"path", input.path}, {"hash", input.hash}});
  return list;
}

void write_json(const fs::path& path, const Json& json) {
  write_file(path, dump_json(json, 2) + "\n");
}

Json read_json(const fs::path& path) {
  const std::string text = read_file(path);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw BadFile(fmt::format("{}: not JSON at byte {}; expected a file that winnow wrote",
                              path.string(), error.byte - 1));
  } catch (const Json::out_of_range&) {
    throw BadFile(
        fmt::format("{}: a number beyond the range of double; expected a file that "
                    "winnow wrote",
                    path.string()));
  }
}

fs::path sidecar_path(const fs::path& artifact) {
  fs::path path = artifact;
  return path.replace_extension(".json");
}

Json read_sidecar(const fs::path& artifact) {
  const fs::path path = sidecar_path(artifact);
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return {};
  Json json = read_json(path);
  if (!json.is_object()) {
    throw BadFile(fmt::format("{}: a sidecar must be a JSON object; found {}", path.string(),
                              json.type_name()));
  }
  return json;
}

Fingerprint sidecar_fingerprint(const Json& sidecar) {
  if (!sidecar.is_object() || !sidecar.contains("fingerprint")) return {};
  const Json& value = sidecar["fingerprint"];
  if (!value.is_string()) throw BadFile("sidecar: \"fingerprint\" is not a text");
  return Fingerprint::parse(value.get<std::string>());
}

void write_run(const fs::path& folder, const RunInfo& run) {
  write_json(folder / "run.json", {{"kind", run.kind},
                                   {"command", run.command},
                                   {"version", version()},
                                   {"options", run.options},
                                   {"inputs", to_json(run.inputs)},
                                   {"files", run.files},
                                   {"children", run.children},
                                   {"results", run.results}});
}

RunInfo read_run(const fs::path& folder) {
  const fs::path path = folder / "run.json";
  const Json json = read_json(path);
  try {
    RunInfo run;
    run.kind = json.at("kind");
    run.command = json.at("command").get<std::vector<std::string>>();
    for (const auto& input : json.at("inputs")) {
      run.inputs.push_back({input.at("path"), input.at("hash")});
    }
    run.files = json.at("files").get<std::vector<std::string>>();
    run.children = json.at("children").get<std::vector<std::string>>();
    run.options = json.at("options");
    run.results = json.at("results");
    return run;
  } catch (const Json::exception& error) {
    throw BadFile(fmt::format("{}: not a winnow run: {}", path.string(), error.what()));
  }
}

}  // namespace winnow
