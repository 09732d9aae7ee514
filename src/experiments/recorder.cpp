#include "winnow/experiments/recorder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <utility>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::experiments {

namespace {

constexpr const char* curves_head = "epoch,iteration,train_loss,learning_rate,test_error";

/// Lines without their ends, the first (the head) left out.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = text.find('\n') + 1;
  while (begin != 0 && begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

void LogOptions::validate() const {
  validate_fields(*this);
  for (const auto& [asked, name] : {std::pair{gradients, "log-gradients"},
                                    {logits, "log-logits"},
                                    {at_start, "log-start"},
                                    {every != 1, "log-every"}}) {
    if (asked && !dynamics) {
      throw InvalidArgument(
          fmt::format("{} is part of the training dynamics; add --log-dynamics", name));
    }
  }
}

RunRecorder::RunRecorder(std::filesystem::path folder, std::optional<io::DynamicsLayout> layout)
    : folder_(std::move(folder)), layout_(std::move(layout)) {}

void RunRecorder::rows(const io::DynamicsRows& piece) {
  if (!writer_) writer_.emplace(folder_ / "dynamics", layout_.value());
  writer_->append(piece);
}

void RunRecorder::epoch(const train::EpochSummary& summary) {
  const std::string loss =
      std::isfinite(summary.train_loss) ? fmt::format("{}", summary.train_loss) : std::string();
  curves_.push_back(fmt::format("{},{},{},{},{}", summary.epoch, summary.iteration, loss,
                                summary.learning_rate, summary.test_error));
  write_file(folder_ / "curves.csv",
             fmt::format("{}\n{}\n", curves_head, fmt::join(curves_, "\n")));
  if (writer_) writer_->sync();
}

void RunRecorder::resumed(std::int64_t n_logs) {
  curves_.clear();
  if (n_logs == 0) return;
  const auto path = folder_ / "curves.csv";
  curves_ = lines_of(read_file(path));
  if (static_cast<std::int64_t>(curves_.size()) < n_logs) {
    throw BadFile(
        fmt::format("{}: {} epochs; expected the {} that the checkpoint beside it knows; "
                    "start anew with --force",
                    path.string(), curves_.size(), n_logs));
  }
  curves_.resize(static_cast<std::size_t>(n_logs));
  if (layout_) writer_ = io::DynamicsWriter::resume(folder_ / "dynamics", *layout_, n_logs);
}

std::vector<std::string> RunRecorder::finish() {
  std::vector<std::string> files{"curves.csv"};
  if (writer_) {
    writer_->finish();
    files.emplace_back("dynamics");
  }
  return files;
}

}  // namespace winnow::experiments
