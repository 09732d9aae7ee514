#include "comm/plugin.hpp"

#include "comm/mpi/mpi_job.hpp"

#define WINNOW_PLUGIN_EXPORT __attribute__((visibility("default")))

extern "C" {

WINNOW_PLUGIN_EXPORT int winnow_plugin_interface() { return winnow::comm::mpi_plugin.interface; }

WINNOW_PLUGIN_EXPORT winnow::comm::Job* winnow_plugin_mpi_job() {
  return new winnow::comm::MpiJob();
}
}
