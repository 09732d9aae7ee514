#pragma once

#include "winnow/train/network.hpp"

namespace winnow::train {

/// Raised whenever NetworkTrainer or anything it exchanges changes its layout.
constexpr int plugin_interface = 1;

constexpr const char* plugin_file = "libwinnow_torch.so";

using PluginInterfaceFunction = int();
using PluginTrainerFunction = NetworkTrainer*();

}  // namespace winnow::train

// What a plug-in exports. The trainer is the caller's to delete.
extern "C" {
int winnow_plugin_interface();
winnow::train::NetworkTrainer* winnow_plugin_trainer();
}
