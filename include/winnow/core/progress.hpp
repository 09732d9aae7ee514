#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "winnow/core/error.hpp"

namespace winnow {

/// Where long work tells how far it is, and asks whether it should stop. The library itself never
/// prints; the program passes its own. advance() and cancelled() may be called from any thread.
class Progress {
 public:
  virtual ~Progress() = default;

  /// A new stage of `total` units begins (0: unknown), e.g. ("encode", 60000, "images").
  virtual void stage(std::string_view name, std::int64_t total, std::string_view unit) = 0;
  virtual void advance(std::int64_t count) noexcept = 0;
  /// The stage ended; `result` is a short remark for the log, e.g. "objective 0.231".
  virtual void done(std::string_view result) = 0;
  /// Something the user should know although work goes on.
  virtual void warn(std::string_view message) = 0;
  virtual bool cancelled() const noexcept { return false; }

  /// @throws Interrupted when the user asked to stop.
  void throw_if_cancelled() const {
    if (cancelled()) throw Interrupted();
  }
};

/// Says nothing and never cancels.
class SilentProgress final : public Progress {
 public:
  void stage(std::string_view /*name*/, std::int64_t /*total*/,
             std::string_view /*unit*/) override {}
  void advance(std::int64_t /*count*/) noexcept override {}
  void done(std::string_view /*result*/) override {}
  void warn(std::string_view /*message*/) override {}
};

/// Shared SilentProgress, the default of every long function. Stateless.
Progress& silent();

}  // namespace winnow
