#pragma once

#include "winnow/comm/launch.hpp"
#include "winnow/core/plugin.hpp"

namespace winnow::comm {

constexpr Plugin mpi_plugin = {
    .file = "libwinnow_mpi.so", .interface = 1, .package = "libopenmpi-dev and openmpi-bin"};

using PluginJobFunction = Job*();

}  // namespace winnow::comm

// What the plug-in exports. The job is the caller's to delete.
extern "C" winnow::comm::Job* winnow_plugin_mpi_job();
