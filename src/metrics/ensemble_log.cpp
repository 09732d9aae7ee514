#include "metrics/ensemble_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "winnow/core/error.hpp"

namespace winnow::metrics {

namespace fs = std::filesystem;

namespace {

void require_different(std::span<const fs::path> folders) {
  std::map<fs::path, std::size_t> seen;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const auto [entry, is_new] = seen.try_emplace(fs::weakly_canonical(folders[i]), i);
    if (is_new) continue;
    throw InvalidArgument(fmt::format("{} and {} are the same run; give every run once",
                                      folders[entry->second].string(), folders[i].string()));
  }
}

std::vector<std::int64_t> rows_of(const io::Dynamics& run, std::optional<std::int64_t> epoch,
                                  std::int64_t checkpoints) {
  const std::int64_t last = epoch ? run.row_of(*epoch) : run.rows() - 1;
  if (last + 1 < checkpoints) {
    throw BadFile(fmt::format("{}: {} logged epochs up to epoch {}, but checkpoints = {}",
                              run.folder().string(), last + 1,
                              run.epochs()[static_cast<std::size_t>(last)], checkpoints));
  }
  std::vector<std::int64_t> rows;
  for (std::int64_t row = last + 1 - checkpoints; row <= last; ++row) rows.push_back(row);
  return rows;
}

/// Runs that later ones are compared with: the first, and the first with labels. Labels are read
/// anew for every comparison; no more than two runs stay mapped.
class References {
 public:
  void require_same(const io::Dynamics& run) const {
    for (const auto* reference : {&first_, &labelled_}) {
      if (!*reference) continue;
      io::require_same_examples(**reference, run);
      io::require_same_tests(**reference, run);
    }
  }
  void note(const fs::path& folder, const io::Dynamics& run) {
    if (!first_) {
      first_.emplace(folder);
    } else if (!first_->has_labels() && !labelled_ && run.has_labels()) {
      labelled_.emplace(folder);
    }
  }

 private:
  std::optional<io::Dynamics> first_;
  std::optional<io::Dynamics> labelled_;
};

}  // namespace

void EnsembleReader::for_each_run(Progress& progress, const Take& take) const {
  if (folders.empty()) {
    throw InvalidArgument(fmt::format("metric = {} needs the training dynamics of runs", metric));
  }
  require_different(folders);
  progress.stage("read", static_cast<std::int64_t>(folders.size()), "runs");
  References references;
  for (std::size_t m = 0; m < folders.size(); ++m) {
    progress.throw_if_cancelled();
    const io::Dynamics run(folders[m]);
    references.require_same(run);
    references.note(folders[m], run);
    take(static_cast<std::int64_t>(m), run, rows_of(run, epoch, checkpoints));
    progress.advance(1);
  }
  progress.done(fmt::format("{} runs", folders.size()));
}

EnsembleLog read_flags(const EnsembleReader& reader, io::DynamicsArray array, bool with_in_train,
                       Progress& progress) {
  EnsembleLog log;
  std::vector<std::uint8_t> flags;
  const auto runs = static_cast<std::int64_t>(reader.folders.size());
  reader.for_each_run(progress, [&](std::int64_t m, const io::Dynamics& run,
                                    std::span<const std::int64_t> rows) {
    run.require(array, reader.metric);
    if (with_in_train && run.n() == 0) {
      throw BadFile(
          fmt::format("{}: nothing tells the number of examples; expected in_train.npy, "
                      "which says what the run was trained on",
                      run.folder().string()));
    }
    if (m == 0) {
      const std::int64_t width = array == io::DynamicsArray::test_correct ? run.n_test() : run.n();
      log.flags = BitMatrix(runs * reader.checkpoints, width);
      flags.resize(static_cast<std::size_t>(width));
      if (with_in_train) log.in_train = BitMatrix(runs, run.n());
    }
    for (std::size_t k = 0; k < rows.size(); ++k) {
      run.read_flags(array, rows[k], 0, flags);
      log.flags.assign(m * reader.checkpoints + static_cast<std::int64_t>(k), flags);
    }
    run.require_unchanged(array);
    if (with_in_train) log.in_train.assign(m, run.in_train());
    log.epochs.push_back(run.epochs()[static_cast<std::size_t>(rows.back())]);
    log.fingerprint = known_of(log.fingerprint, run.fingerprint());
  });
  return log;
}

UncertaintyLog read_uncertainty(const EnsembleReader& reader, Acquisition acquisition,
                                std::int64_t bytes, Progress& progress) {
  constexpr std::int64_t bytes_per_logit = sizeof(float) + sizeof(double);
  UncertaintyLog log;
  std::int64_t n = 1;
  for (std::int64_t begin = 0; begin < n;) {
    std::optional<EnsembleUncertainty> ensemble;
    Matrix<float> logits;
    reader.for_each_run(
        progress, [&](std::int64_t m, const io::Dynamics& run, std::span<const std::int64_t> rows) {
          run.require(io::DynamicsArray::logits, reader.metric);
          if (m == 0) {
            n = run.n();
            const std::int64_t most =
                std::max<std::int64_t>(1, bytes / (bytes_per_logit * run.n_classes()));
            const std::int64_t count = std::min(most, n - begin);
            ensemble.emplace(count, run.n_classes(), acquisition);
            logits = Matrix<float>::uninitialized(count, run.n_classes());
          }
          for (const std::int64_t row : rows) {
            run.read(io::DynamicsArray::logits, row, begin,
                     {logits.data(), static_cast<std::size_t>(logits.size())});
            ensemble->add(logits);
          }
          run.require_unchanged(io::DynamicsArray::logits);
          if (begin > 0) return;
          log.epochs.push_back(run.epochs()[static_cast<std::size_t>(rows.back())]);
          log.fingerprint = known_of(log.fingerprint, run.fingerprint());
        });
    const auto scores = ensemble->scores();
    log.scores.insert(log.scores.end(), scores.begin(), scores.end());
    begin += logits.rows();
  }
  return log;
}

}  // namespace winnow::metrics
