#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/io/dynamics_writer.hpp"
#include "winnow/train/watch.hpp"

namespace winnow {
namespace experiments {

/// Numbers of a log of training dynamics.
enum class LogStorage { float16, float32 };

}  // namespace experiments

template <>
struct EnumNames<experiments::LogStorage> {
  static constexpr EnumName<experiments::LogStorage> values[] = {
      {experiments::LogStorage::float16, "float16"}, {experiments::LogStorage::float32, "float32"}};
};

namespace experiments {

/// Which training dynamics a training leaves in `dynamics/`.
struct LogOptions {
  bool dynamics = false;
  bool gradients = false;
  bool logits = false;
  bool at_start = false;
  std::int64_t every = 1;
  LogStorage storage = LogStorage::float32;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.dynamics,
          FieldInfo{.name = "log-dynamics",
                    .help = "After every pass write what the model says of ALL training examples: "
                            "probability of the label, margin, EL2N, right or wrong."});
    visit(self.gradients, FieldInfo{.name = "log-gradients",
                                    .help = "Also the norm of each example's gradient (GraNd)."});
    visit(self.logits, FieldInfo{.name = "log-logits", .help = "Also all logits."});
    visit(self.at_start,
          FieldInfo{.name = "log-start", .help = "Also before the first step, as epoch 0."});
    visit(self.every, FieldInfo{.name = "log-every",
                                .help = "Passes from log to log; the last is always logged.",
                                .unit = "passes",
                                .min = 1});
    visit(self.storage,
          FieldInfo{.name = "log-dtype", .help = "Numbers of the log: float16 or float32."});
  }
  /// @throws InvalidArgument naming the field; also a part of the log without the log.
  void validate() const;
};

/// Writes what a training tells of its epochs into its folder: `curves.csv`, a row an epoch, and
/// the log `dynamics/` where there is a layout for one. Both are on disk after each epoch, and go
/// on where a checkpoint resumes.
class RunRecorder final : public train::EpochObserver {
 public:
  /// Writes nothing before the first epoch.
  RunRecorder(std::filesystem::path folder, std::optional<io::DynamicsLayout> layout);

  void rows(const io::DynamicsRows& piece) override;
  void epoch(const train::EpochSummary& summary) override;
  /// @throws BadFile where the folder lacks what the checkpoint says was written.
  void resumed(std::int64_t n_logs) override;

  /// Completes the log. @returns the files written, relative to the folder.
  std::vector<std::string> finish();

 private:
  std::filesystem::path folder_;
  std::optional<io::DynamicsLayout> layout_;
  std::optional<io::DynamicsWriter> writer_;
  std::vector<std::string> curves_;
};

}  // namespace experiments
}  // namespace winnow
