#include "winnow/comm/communicator.hpp"

namespace winnow::comm {

Communicator& self() {
  static SelfComm communicator;
  return communicator;
}

}  // namespace winnow::comm
