#include "winnow/numerics/neighbours.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "winnow/core/parallel.hpp"
#include "winnow/numerics/product.hpp"

namespace winnow::numerics {

namespace {

constexpr std::int64_t query_block = 256;
constexpr std::int64_t reference_block = 2048;

struct Candidate {
  float similarity;
  std::int64_t index;
  /// Better candidates first: higher similarity, then lower index.
  bool operator<(const Candidate& other) const {
    return similarity != other.similarity ? similarity > other.similarity : index < other.index;
  }
};

/// Keeps the k best candidates of one query: a heap whose top is the worst kept one.
class Best {
 public:
  explicit Best(std::int64_t k) : k_(static_cast<std::size_t>(k)) { kept_.reserve(k_); }

  void offer(Candidate candidate) {
    if (kept_.size() < k_) {
      kept_.push_back(candidate);
      std::push_heap(kept_.begin(), kept_.end());
    } else if (candidate < kept_.front()) {
      std::pop_heap(kept_.begin(), kept_.end());
      kept_.back() = candidate;
      std::push_heap(kept_.begin(), kept_.end());
    }
  }
  /// Similarity below which a candidate cannot enter.
  float threshold() const {
    return kept_.size() < k_ ? -std::numeric_limits<float>::infinity() : kept_.front().similarity;
  }
  std::vector<Candidate>& sorted() {
    std::sort_heap(kept_.begin(), kept_.end());
    return kept_;
  }

 private:
  std::size_t k_;
  std::vector<Candidate> kept_;
};

/// Offers one row of similarities, of references [first, first + n), to a query's best.
void scan(std::span<const float> similarities, std::int64_t first, std::int64_t skip, Best& best) {
  float threshold = best.threshold();
  for (std::size_t j = 0; j < similarities.size(); ++j) {
    const std::int64_t index = first + static_cast<std::int64_t>(j);
    if (similarities[j] < threshold || index == skip) continue;
    best.offer({similarities[j], index});
    threshold = best.threshold();
  }
}

}  // namespace

Neighbours nearest_neighbours(MatrixView<const float> queries, MatrixView<const float> references,
                              const NeighbourOptions& options, Progress& progress,
                              std::span<const std::int64_t> exclude) {
  options.validate();
  const std::int64_t available = references.rows() - (exclude.empty() ? 0 : 1);
  if (options.k > available) {
    throw InvalidArgument(fmt::format("neighbours = {}; expected at most {}, the reference rows",
                                      options.k, available));
  }
  if (!exclude.empty() && static_cast<std::int64_t>(exclude.size()) != queries.rows()) {
    throw InvalidArgument(
        fmt::format("{} rows to exclude for {} queries", exclude.size(), queries.rows()));
  }
  if (queries.cols() != references.cols()) {
    throw InvalidArgument(fmt::format("queries have {} columns, references {}; expected the same",
                                      queries.cols(), references.cols()));
  }
  Neighbours result{Matrix<std::int64_t>(queries.rows(), options.k),
                    Matrix<float>(queries.rows(), options.k)};
  const std::int64_t blocks = (queries.rows() + query_block - 1) / query_block;
  parallel_blocks(blocks, progress, [&](std::int64_t block) {
    const std::int64_t begin = block * query_block;
    const std::int64_t count = std::min(query_block, queries.rows() - begin);
    std::vector<Best> best(static_cast<std::size_t>(count), Best(options.k));
    Matrix<float> buffer(count, std::min(reference_block, references.rows()));
    for (std::int64_t first = 0; first < references.rows(); first += reference_block) {
      const std::int64_t width = std::min(reference_block, references.rows() - first);
      const MatrixView<float> similarity(buffer.data(), count, width);
      product(queries.block(begin, count), Transpose::no, references.block(first, width),
              Transpose::yes, similarity);
      for (std::int64_t i = 0; i < count; ++i) {
        scan(similarity.row(i), first,
             exclude.empty() ? -1 : exclude[static_cast<std::size_t>(begin + i)],
             best[static_cast<std::size_t>(i)]);
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const auto& sorted = best[static_cast<std::size_t>(i)].sorted();
      for (std::int64_t j = 0; j < options.k; ++j) {
        result.index(begin + i, j) = sorted[static_cast<std::size_t>(j)].index;
        result.similarity(begin + i, j) = sorted[static_cast<std::size_t>(j)].similarity;
      }
    }
    progress.advance(count);
  });
  return result;
}

double knn_accuracy(const Neighbours& neighbours, std::span<const std::int32_t> query_labels,
                    std::span<const std::int32_t> reference_labels) {
  if (query_labels.size() != static_cast<std::size_t>(neighbours.index.rows()) ||
      query_labels.empty() || reference_labels.empty()) {
    throw InvalidArgument(fmt::format("knn_accuracy: {} labels for {} queries", query_labels.size(),
                                      neighbours.index.rows()));
  }
  const auto classes = static_cast<std::size_t>(
      1 + *std::max_element(reference_labels.begin(), reference_labels.end()));
  std::vector<std::pair<std::int64_t, double>> votes(classes);
  std::int64_t correct = 0;
  for (std::int64_t i = 0; i < neighbours.index.rows(); ++i) {
    std::fill(votes.begin(), votes.end(), std::pair<std::int64_t, double>{0, 0.0});
    for (std::int64_t j = 0; j < neighbours.index.cols(); ++j) {
      const auto reference = static_cast<std::size_t>(neighbours.index(i, j));
      auto& vote = votes[static_cast<std::size_t>(reference_labels[reference])];
      ++vote.first;
      vote.second += neighbours.similarity(i, j);
    }
    const auto winner = std::max_element(votes.begin(), votes.end()) - votes.begin();
    correct += winner == query_labels[static_cast<std::size_t>(i)] ? 1 : 0;
  }
  return static_cast<double>(correct) / static_cast<double>(neighbours.index.rows());
}

}  // namespace winnow::numerics
