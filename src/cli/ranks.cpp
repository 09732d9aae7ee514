#include "cli/ranks.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <new>
#include <set>
#include <thread>

#include "winnow/comm/cores.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::cli {

namespace {

void print_failure(Terminal& terminal, const std::string& message) {
  terminal.clear();
  fmt::print(stderr, "winnow: {}\n", message);
}

/// How long a rank that ended waits for the others. Ranks that come upon the same failure do so at
/// about the same time. After an interruption launchers kill within a second or two.
double patience(int exit_code) {
  if (exit_code == 0) return std::numeric_limits<double>::infinity();
  return exit_code == Interrupted().exit_code() ? 0.5 : 5.0;
}

bool all_have(const std::vector<comm::Outcome>& outcomes, const std::string& message) {
  return std::all_of(outcomes.begin(), outcomes.end(),
                     [&](const comm::Outcome& outcome) { return outcome.message == message; });
}

/// Every message once, with the first rank that has it.
void print_failures(Terminal& terminal, const std::vector<comm::Outcome>& outcomes) {
  std::set<std::string> printed;
  for (std::size_t rank = 0; rank < outcomes.size(); ++rank) {
    const auto& [exit_code, message] = outcomes[rank];
    if (exit_code == 0 || !printed.insert(message).second) continue;
    print_failure(terminal, all_have(outcomes, message)
                                ? message
                                : fmt::format("rank {}: {}", rank, message));
  }
}

}  // namespace

comm::Outcome outcome_of(const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const Error& error) {
    return {error.exit_code(), error.what()};
  } catch (const std::bad_alloc&) {
    return {1, "out of memory"};
  } catch (const std::exception& error) {
    return {1, fmt::format("unexpected failure: {}", error.what())};
  }
}

void Ranks::join() {
  if (launch_.size > 1) job_ = comm::join(launch_);
}

void Ranks::share_cores() {
  if (!job_) return;
  const int share = comm::share_of_cores(job_->node(), comm::allowed_cores());
  // With OMP_PROC_BIND the affinity mask is that of the first thread alone.
  const char* number = std::getenv("OMP_NUM_THREADS");
  const bool decided = number != nullptr && *number != '\0';
  if (!decided && omp_get_proc_bind() == omp_proc_bind_false) set_thread_count(share);
}

void Ranks::require_one(const std::string& what) const {
  if (launch_.size == 1) return;
  throw InvalidArgument(
      fmt::format("{} works in one process, but {} started {}; run it without the launcher, or set "
                  "WINNOW_ALONE=1 where each is to work by itself",
                  what, launch_.launcher, launch_.size));
}

std::string Ranks::text() const {
  if (!job_) return "";
  return fmt::format("{} ranks ({}), {} on this machine; threads of each: {}", launch_.size,
                     launch_.launcher, job_->node().size(), thread_count());
}

void Ranks::end_alone(Terminal& terminal, const comm::Outcome& own) {
  if (own.exit_code != Interrupted().exit_code()) {
    print_failure(terminal, fmt::format("rank {}: {}", rank(), own.message));
    job_->abort(own.exit_code);
  }
  // The launcher is ending all ranks, also those that wait for others and notice nothing.
  if (first()) print_failure(terminal, own.message);
  std::_Exit(own.exit_code);
}

int Ranks::end(Terminal& terminal, const comm::Outcome& own) {
  if (!job_) {
    if (first() && own.exit_code != 0) print_failure(terminal, own.message);
    // A launcher kills all processes once one has failed: not before the first has said why.
    if (!first()) std::this_thread::sleep_for(std::chrono::seconds(1));
    return own.exit_code;
  }
  const auto outcomes = job_->conclude(own, patience(own.exit_code));
  if (!outcomes) end_alone(terminal, own);
  if (first()) print_failures(terminal, *outcomes);
  for (const auto& outcome : *outcomes) {
    if (outcome.exit_code != 0) return outcome.exit_code;
  }
  return 0;
}

}  // namespace winnow::cli
