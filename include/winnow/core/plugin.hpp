#pragma once

#include <string>

namespace winnow {

/// A library of winnow that is opened only by what needs it, since what it links is slow to load or
/// may be missing. It exports `extern "C" int winnow_plugin_interface()`, and functions besides.
struct Plugin {
  const char* file;     ///< "libwinnow_torch.so"
  int interface;        ///< Raised whenever a class or struct that crosses the boundary changes.
  const char* package;  ///< Of Debian, with which the build makes it: "libtorch-dev".
};

using PluginInterfaceFunction = int();

/// The plug-in's function of that name. The first call opens the plug-in: in $WINNOW_PLUGIN_DIR
/// when set, else beside the program or in ../lib/winnow of its folder. It is never closed.
/// @param purpose      what cannot be done without it, e.g. "networks need LibTorch"
/// @param alternative  what to do instead, e.g. "train linear or mlp"
/// @throws NotAvailable when this build has no such plug-in, or one of another winnow.
void* plugin_symbol(const Plugin& plugin, const char* name, const std::string& purpose,
                    const std::string& alternative);

}  // namespace winnow

extern "C" int winnow_plugin_interface();
