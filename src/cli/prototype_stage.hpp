#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/kmeans_arguments.hpp"
#include "cli/stages.hpp"
#include "winnow/cluster/kmeans.hpp"
#include "winnow/cluster/rows.hpp"
#include "winnow/comm/communicator.hpp"
#include "winnow/io/embedding_shards.hpp"

// Self-prototypes: of rows in memory, of shards on disk, on one rank or several.

namespace winnow::cli {

/// Embeddings on disk as k-means takes them, of unit length when spherical: this rank's part in
/// memory where that fits, else read again in every pass. Both give the same bits.
class RowStream {
 public:
  /// @param memory  for the rows and what k-means keeps of them, over all threads of this rank.
  /// @throws BadFile, NonFiniteInput; InvalidArgument when less than k-means itself needs.
  RowStream(const std::string& embeddings, const cluster::KMeansOptions& options,
            const std::optional<std::int64_t>& clusters, std::int64_t memory,
            comm::Communicator& communicator, Progress& progress);

  std::int64_t n() const { return rows_->rows(); }
  const cluster::Rows& rows() const { return *rows_; }
  const Fingerprint& fingerprint() const { return fingerprint_; }
  /// Of all shards, on every rank; what nobody has read yet is read for it. Collective.
  std::vector<InputFile> inputs() const;
  /// From files, by this rank.
  std::int64_t bytes_read() const;
  double seconds_reading() const { return seconds_reading_; }

  /// Says in the log what is about to be done, how, and for work of some minutes how long it takes
  /// at most.
  void tell_plan(const cluster::KMeansOptions& options, std::int64_t memory) const;

 private:
  void read_by_columns(const std::string& embeddings, Geometry geometry);

  comm::Communicator& communicator_;
  Progress& progress_;
  std::optional<io::EmbeddingShards> shards_;  ///< none in Fortran order
  std::unique_ptr<cluster::Rows> on_disk_;
  std::unique_ptr<cluster::Rows> unit_;
  std::unique_ptr<cluster::Rows> loaded_;
  Matrix<float> whole_;  ///< of Fortran order
  std::vector<InputFile> whole_inputs_;
  const cluster::Rows* rows_ = nullptr;
  Fingerprint fingerprint_;
  std::int64_t own_bytes_ = 0;  ///< what k-means keeps
  double seconds_reading_ = 0.0;
};

/// Scores of rows that are of unit length when spherical. On several ranks `values` and the
/// assignment of `kmeans` are those of all ranks, on the first, and empty elsewhere.
/// @param n_classes  0 without labels
Scored score_self(const cluster::Rows& rows, std::int64_t n_classes, const ScoreOptions& options,
                  Seed seed, comm::Communicator& communicator, Progress& progress);
/// The same of a stream, after telling the plan.
Scored score_self(const RowStream& stream, std::int64_t n_classes, const ScoreOptions& options,
                  std::int64_t memory, Seed seed, comm::Communicator& communicator,
                  Progress& progress);

}  // namespace winnow::cli
