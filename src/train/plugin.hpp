#pragma once

#include <filesystem>
#include <string>

#include "winnow/train/network.hpp"
#include "winnow/train/network_encoder.hpp"
#include "winnow/train/script_encoder.hpp"
#include "winnow/train/self_supervised.hpp"

namespace winnow::train {

/// Raised whenever a class or struct that crosses the boundary changes its layout.
constexpr int plugin_interface = 5;

constexpr const char* plugin_file = "libwinnow_torch.so";

using PluginInterfaceFunction = int();
using PluginTrainerFunction = NetworkTrainer*();
using PluginScriptEncoderFunction = ScriptEncoder*(const std::filesystem::path&,
                                                   const ScriptOptions&);
using PluginNetworkEncoderFunction = NetworkEncoder*(const std::filesystem::path&, Device);
using PluginSelfSupervisedFunction = SelfSupervisedTrainer*();

/// The plug-in's function of that name. Loads the plug-in, once.
/// @param purpose      what cannot be done without it, e.g. "networks need LibTorch"
/// @param alternative  what to do instead, e.g. "train linear or mlp"
/// @throws NotAvailable when this build has no plug-in or one of another winnow.
void* plugin_symbol(const char* name, const std::string& purpose, const std::string& alternative);

}  // namespace winnow::train

// What a plug-in exports. What the functions return is the caller's to delete.
extern "C" {
int winnow_plugin_interface();
winnow::train::NetworkTrainer* winnow_plugin_trainer();
winnow::train::ScriptEncoder* winnow_plugin_script_encoder(
    const std::filesystem::path& file, const winnow::train::ScriptOptions& options);
winnow::train::NetworkEncoder* winnow_plugin_network_encoder(const std::filesystem::path& file,
                                                             winnow::train::Device device);
winnow::train::SelfSupervisedTrainer* winnow_plugin_self_supervised_trainer();
}
