#include "winnow/comm/cores.hpp"

#include <sched.h>

#include <algorithm>

namespace winnow::comm {

std::vector<std::uint8_t> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {};
  std::vector<std::uint8_t> allowed(CPU_SETSIZE);
  for (std::size_t core = 0; core < allowed.size(); ++core) {
    allowed[core] = CPU_ISSET(core, &set) ? 1 : 0;
  }
  return allowed;
}

int share_of_cores(Communicator& node, std::span<const std::uint8_t> allowed) {
  const auto all = node.gather_all(allowed);
  std::vector<int> shares(static_cast<std::size_t>(node.size()), 0);
  for (std::size_t core = 0; core < allowed.size(); ++core) {
    int* fewest = nullptr;
    for (std::size_t rank = 0; rank < shares.size(); ++rank) {
      if (all[rank * allowed.size() + core] == 0) continue;
      if (fewest == nullptr || shares[rank] < *fewest) fewest = &shares[rank];
    }
    if (fewest != nullptr) ++*fewest;
  }
  return std::max(1, shares[static_cast<std::size_t>(node.rank())]);
}

}  // namespace winnow::comm
