#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "winnow/core/error.hpp"

/// What libFuzzer calls for every input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
/// libFuzzer's own mutations of data[0, size) in place; returns the new size, at most `max_size`.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace winnow::fuzz {

/// Stops the fuzzer with a finding.
[[noreturn]] inline void report(std::string_view found, std::string_view detail) {
  std::fprintf(stderr, "finding: %.*s: %.*s\n", static_cast<int>(found.size()), found.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

/// Runs `read`, which may refuse its input in one way only: with a winnow::Error of bad input whose
/// message names the file. Everything else that leaves it ends the program, which is a finding.
/// @return  Whether the input was not refused.
template <class Read>
bool expect_refusal_or_success(const std::string& name, const Read& read) {
  try {
    read();
    return true;
  } catch (const Error& error) {
    constexpr int bad_input = 2;
    const std::string_view message = error.what();
    if (error.exit_code() != bad_input) report("bad input is called failed work", message);
    if (message.find(name) == std::string_view::npos) report("message without the file", message);
    return false;
  }
}

/// Reads every byte of `bytes`, so that the address sanitizer sees where they lie.
template <class T>
void touch(std::span<const T> bytes) {
  T sum{};
  for (const T& value : bytes) sum = static_cast<T>(sum ^ value);
  [[maybe_unused]] static volatile T sink;
  sink = sum;
}

}  // namespace winnow::fuzz
