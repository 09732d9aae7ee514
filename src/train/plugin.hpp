#pragma once

#include <filesystem>

#include "winnow/core/plugin.hpp"
#include "winnow/train/network.hpp"
#include "winnow/train/network_encoder.hpp"
#include "winnow/train/script_encoder.hpp"
#include "winnow/train/self_supervised.hpp"

namespace winnow::train {

constexpr Plugin torch_plugin = {
    .file = "libwinnow_torch.so", .interface = 5, .package = "libtorch-dev"};

using PluginTrainerFunction = NetworkTrainer*();
using PluginScriptEncoderFunction = ScriptEncoder*(const std::filesystem::path&,
                                                   const ScriptOptions&);
using PluginNetworkEncoderFunction = NetworkEncoder*(const std::filesystem::path&, Device);
using PluginSelfSupervisedFunction = SelfSupervisedTrainer*();

}  // namespace winnow::train

// What a plug-in exports. What the functions return is the caller's to delete.
extern "C" {
winnow::train::NetworkTrainer* winnow_plugin_trainer();
winnow::train::ScriptEncoder* winnow_plugin_script_encoder(
    const std::filesystem::path& file, const winnow::train::ScriptOptions& options);
winnow::train::NetworkEncoder* winnow_plugin_network_encoder(const std::filesystem::path& file,
                                                             winnow::train::Device device);
winnow::train::SelfSupervisedTrainer* winnow_plugin_self_supervised_trainer();
}
