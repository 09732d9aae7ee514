#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <thread>

namespace winnow::cli {

namespace {

std::atomic<bool> interrupted{false};

void on_signal(int /*signal*/) {
  if (interrupted.exchange(true)) ::_exit(130);
}

std::string duration_text(double seconds) {
  if (seconds < 60.0) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

/// 950, 12.3k, 4.5M: rates need no more digits.
std::string rate_text(double rate) {
  if (rate >= 1e6) return fmt::format("{:.1f}M", rate / 1e6);
  if (rate >= 1e4) return fmt::format("{:.1f}k", rate / 1e3);
  return fmt::format("{:.{}f}", rate, rate < 10.0 ? 1 : 0);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A write beyond the limit of `ulimit -f` then fails as one to a full disk does.
  std::signal(SIGXFSZ, SIG_IGN);
  // A thread of its own takes them, and those that compute do not: a handler that runs in the
  // middle of one of oneDNN's generated kernels, on its stack, corrupts the heap.
  std::thread([] {
    for (;;) ::pause();
  }).detach();
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

Terminal::Terminal() : interactive_(::isatty(STDERR_FILENO) == 1) {}

bool Terminal::cancelled() const noexcept { return interrupted.load(std::memory_order_relaxed); }

void Terminal::write(const std::string& text) const {
  if (muted_) return;
  // Best effort: progress must never fail the work.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

void Terminal::stage(std::string_view name, std::int64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  name_ = name;
  unit_ = unit;
  total_ = total;
  start_ = Clock::now();
  count_ = 0;
  next_draw_ = (start_ + std::chrono::milliseconds(200)).time_since_epoch().count();
  // A stage without units shows its name at once: nothing will redraw it.
  if (interactive_ && !quiet_ && total == 0) draw(start_);
}

void Terminal::advance(std::int64_t count) noexcept {
  count_.fetch_add(count, std::memory_order_relaxed);
  if (!interactive_ || quiet_) return;
  const auto now = Clock::now();
  auto due = next_draw_.load(std::memory_order_relaxed);
  const auto next = (now + std::chrono::milliseconds(100)).time_since_epoch().count();
  if (now.time_since_epoch().count() < due || !next_draw_.compare_exchange_strong(due, next)) {
    return;
  }
  try {
    const std::lock_guard lock(mutex_);
    draw(now);
  } catch (...) {  // out of memory for a line of text: work goes on without it
    drawn_ = false;
  }
}

void Terminal::draw(Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const auto done = static_cast<double>(count_.load(std::memory_order_relaxed));
  std::string line = fmt::format("\r\033[K  {}", name_);
  if (total_ > 0) {
    const double share = std::min(1.0, done / static_cast<double>(total_));
    const double rate = seconds > 0.0 ? done / seconds : 0.0;
    line += fmt::format("  {:3.0f} %  {:.0f}/{} {}", 100.0 * share, done, total_, unit_);
    if (rate > 0.0) {
      line += fmt::format("  {} {}/s  {} left", rate_text(rate), unit_,
                          duration_text((static_cast<double>(total_) - done) / rate));
    }
  }
  write(line);
  drawn_ = true;
}

void Terminal::done(std::string_view result) {
  const std::lock_guard lock(mutex_);
  if (quiet_) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string line = fmt::format("{}  {}", interactive_ ? "\r\033[K" : "", name_);
  if (total_ > 0) line += fmt::format(": {} {}", total_, unit_);
  line += fmt::format(" in {}", duration_text(seconds));
  if (!result.empty()) line += fmt::format("; {}", result);
  write(line + "\n");
  drawn_ = false;
}

void Terminal::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!quiet_) write(fmt::format("{}\n", text));
}

void Terminal::warn(std::string_view message) {
  const std::lock_guard lock(mutex_);
  write(fmt::format("{}winnow: warning: {}\n", drawn_ ? "\r\033[K" : "", message));
  drawn_ = false;
}

void Terminal::clear() {
  const std::lock_guard lock(mutex_);
  if (drawn_) write("\r\033[K");
  drawn_ = false;
}

}  // namespace winnow::cli
