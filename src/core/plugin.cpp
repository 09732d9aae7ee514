#include "winnow/core/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "winnow/core/error.hpp"

namespace winnow {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> plugin_folders() {
  if (const char* named = std::getenv("WINNOW_PLUGIN_DIR"); named != nullptr && *named != '\0') {
    return {named};
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {program, program.parent_path() / "lib" / "winnow"};
}

fs::path find_plugin(const Plugin& plugin, const std::string& purpose,
                     const std::string& alternative) {
  std::string looked;
  for (const fs::path& folder : plugin_folders()) {
    if (fs::exists(folder / plugin.file)) return folder / plugin.file;
    looked += (looked.empty() ? "" : " or ") + folder.string();
  }
  throw NotAvailable(
      fmt::format("{}, which this build of winnow does without ({} is not in {}); install {}, "
                  "configure again and rebuild, or {}",
                  purpose, plugin.file, looked, plugin.package, alternative));
}

void* symbol(void* library, const fs::path& path, const char* name) {
  void* address = dlsym(library, name);
  if (address == nullptr) {
    throw NotAvailable(fmt::format("{}: no symbol {}; expected a plug-in of this winnow; rebuild",
                                   path.string(), name));
  }
  return address;
}

}  // namespace

void* plugin_symbol(const Plugin& plugin, const char* name, const std::string& purpose,
                    const std::string& alternative) {
  const fs::path path = find_plugin(plugin, purpose, alternative);
  // Never closed: neither LibTorch nor MPI survives it.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw NotAvailable(fmt::format("{}: cannot be loaded ({}); install what it needs or rebuild",
                                   path.string(), dlerror()));
  }
  const int found = reinterpret_cast<PluginInterfaceFunction*>(
      symbol(library, path, "winnow_plugin_interface"))();
  if (found != plugin.interface) {
    throw NotAvailable(fmt::format("{}: has interface {}; expected {}; rebuild all of winnow",
                                   path.string(), found, plugin.interface));
  }
  return symbol(library, path, name);
}

}  // namespace winnow
