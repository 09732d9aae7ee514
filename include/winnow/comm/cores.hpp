#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/comm/communicator.hpp"

namespace winnow::comm {

/// One entry a core of the machine, 1 where the calling thread may run: what taskset, mpirun and
/// srun bound it to. Of a fixed length; empty on machines with more than 1,024 cores.
std::vector<std::uint8_t> allowed_cores();

/// How many cores are this rank's when every core goes to one of the ranks that may run on it: to
/// the one that has the fewest so far. All of its own where ranks are bound apart, an equal part
/// where none is bound.
/// @param node     Ranks of one machine. Collective call.
/// @param allowed  Of this rank, as allowed_cores() gives; of one length on all ranks.
/// @return         At least 1, also where ranks are more than cores.
int share_of_cores(Communicator& node, std::span<const std::uint8_t> allowed);

}  // namespace winnow::comm
