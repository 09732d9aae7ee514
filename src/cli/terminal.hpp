#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "winnow/core/progress.hpp"

namespace winnow::cli {

/// Installs handlers of SIGINT and SIGTERM: the first asks the work to stop between blocks, the
/// second ends the process at once. SIGXFSZ is ignored, so that write() reports it. Call it before
/// anything computes: threads started later inherit that they are not interrupted.
void install_signal_handlers();

/// Progress on stderr: a line that redraws itself on a terminal, one line per finished stage
/// otherwise. Silent with set_quiet(true), but for warnings.
class Terminal final : public Progress {
 public:
  Terminal();

  void set_quiet(bool quiet) { quiet_ = quiet; }
  /// From now on nothing is written, warnings included: another process speaks for this one.
  void mute() { muted_ = true; }
  /// A line for the log.
  void note(std::string_view text);
  void stage(std::string_view name, std::int64_t total, std::string_view unit) override;
  void advance(std::int64_t count) noexcept override;
  void done(std::string_view result) override;
  void warn(std::string_view message) override;
  bool cancelled() const noexcept override;
  /// Ends an unfinished progress line, so that an error message starts on a line of its own.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  void draw(Clock::time_point now);
  void write(const std::string& text) const;

  bool interactive_;
  bool quiet_ = false;
  bool muted_ = false;
  std::mutex mutex_;
  std::string name_;
  std::string unit_;
  std::int64_t total_ = 0;
  Clock::time_point start_;
  std::atomic<std::int64_t> count_{0};
  std::atomic<std::int64_t> next_draw_{0};  ///< Clock ticks
  bool drawn_ = false;
};

}  // namespace winnow::cli
