#pragma once

#include <filesystem>

#include "winnow/core/run.hpp"

namespace winnow::train {

/// Answers that fixtures/make_learner.py computed.
inline Json learner_reference() {
  return read_json(std::filesystem::path(WINNOW_FIXTURES) / "learner.json");
}

}  // namespace winnow::train
