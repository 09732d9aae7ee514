#pragma once

#include "winnow/core/options.hpp"

namespace winnow::train {

/// Where LibTorch computes. automatic: on the first CUDA device when there is one.
enum class Device { automatic, cpu, cuda };

}  // namespace winnow::train

template <>
struct winnow::EnumNames<winnow::train::Device> {
  static constexpr EnumName<winnow::train::Device> values[] = {
      {winnow::train::Device::automatic, "auto"},
      {winnow::train::Device::cpu, "cpu"},
      {winnow::train::Device::cuda, "cuda"}};
};
