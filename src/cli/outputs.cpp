#include "cli/outputs.hpp"

#include <fmt/format.h>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

namespace fs = std::filesystem;

void require_no_folder(const std::string& flag, const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw InvalidArgument(fmt::format("{} {}: a folder; expected a file name", flag, path));
  }
}

}  // namespace

void require_out_given(const Session& session, const char* what) {
  if (session.common.out.empty()) {
    throw InvalidArgument(fmt::format("--out is missing; give the path of {}", what));
  }
}

void require_new_array(const std::string& flag, const std::string& path, bool force) {
  require_no_folder(flag, path);
  if (!path.ends_with(".npy")) {
    throw InvalidArgument(fmt::format("{} {}: expected a file name that ends in .npy", flag, path));
  }
  require_new_output(path, force);
  require_new_output(sidecar_path(path), force);
  require_writable(path);
}

void require_out_array(const Session& session) {
  require_out_given(session, "the .npy file to write");
  require_new_array("--out", session.common.out, session.common.force);
}

void require_out_file(const Session& session, const char* what) {
  require_out_given(session, what);
  require_no_folder("--out", session.common.out);
  require_new_output(session.out(), session.common.force);
  require_writable(session.out());
}

void require_out_folder(const Session& session, const char* what, bool can_resume) {
  require_out_given(session, what);
  std::error_code ignored;
  if (fs::exists(session.out(), ignored) && !fs::is_directory(session.out(), ignored)) {
    throw InvalidArgument(
        fmt::format("--out {}: a file; expected a folder to write into", session.common.out));
  }
  require_new_output(session.out(), session.common.force || session.common.resume, can_resume);
  require_writable(session.out());
}

void bind_exports(CLI::App& command, std::string& formats, selection::FileMode& files) {
  command
      .add_option("--write", formats,
                  "Further files, a comma list of: keys, csv, mask, jsonl, dropped.")
      ->type_name("LIST");
  bind_option(command, files,
              {.name = "files", .help = "Also write the kept examples' own files."});
}

}  // namespace winnow::cli
