// Ranks that end in one way or another, as the program's do.
//
// usage: mpi_worker (fine | all-fail | all-fail-differently | some-fail | one-throws |
//                    one-dies | until-interrupted | others-wait) FILE
//
// FILE is written by the first rank, at the end of work that succeeds.

#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "cli/ranks.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {
namespace {

using Scenario = void(comm::Communicator& comm, Terminal& terminal);

void fine(comm::Communicator& comm, Terminal& /*terminal*/) { comm.barrier(); }

void all_fail(comm::Communicator& /*comm*/, Terminal& /*terminal*/) {
  throw BadFile("emb.npy: no such file");
}

void all_fail_differently(comm::Communicator& comm, Terminal& /*terminal*/) {
  throw WorkFailed(comm.rank() < 2 ? "shard 0: disk full" : "shard 2: disk full");
}

/// The others have nothing more to do, and end well.
void some_fail(comm::Communicator& comm, Terminal& /*terminal*/) {
  comm.barrier();
  if (comm.rank() == comm.size() - 1) throw NonFiniteInput("emb.npy: row 3 column 1 is NaN");
}

/// The others wait for it.
void one_throws(comm::Communicator& comm, Terminal& terminal) {
  some_fail(comm, terminal);
  comm.barrier();
}

void one_dies(comm::Communicator& comm, Terminal& /*terminal*/) {
  comm.barrier();
  if (comm.rank() == comm.size() - 1) std::raise(SIGKILL);
  comm.barrier();
}

void until_interrupted(comm::Communicator& comm, Terminal& terminal) {
  comm.barrier();
  terminal.note("working");
  for (;;) {
    terminal.throw_if_cancelled();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// One rank sees that it is interrupted, while the others wait for it.
void others_wait(comm::Communicator& comm, Terminal& terminal) {
  if (comm.rank() == 1) until_interrupted(comm, terminal);
  comm.barrier();
  terminal.note("working");
  comm.barrier();
}

const std::map<std::string, Scenario*> scenarios = {
    {"fine", fine},
    {"all-fail", all_fail},
    {"all-fail-differently", all_fail_differently},
    {"some-fail", some_fail},
    {"one-throws", one_throws},
    {"one-dies", one_dies},
    {"until-interrupted", until_interrupted},
    {"others-wait", others_wait},
};

int work(const std::string& scenario, const std::string& file) {
  Terminal terminal;
  Ranks ranks;
  const auto outcome = outcome_of([&] {
    ranks.join();
    if (!ranks.first()) terminal.mute();
    scenarios.at(scenario)(ranks.comm(), terminal);
    if (ranks.first()) std::ofstream(file) << ranks.text() << '\n';
  });
  return ranks.end(terminal, outcome);
}

}  // namespace
}  // namespace winnow::cli

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  winnow::cli::install_signal_handlers();
  return winnow::cli::work(argv[1], argv[2]);
}
