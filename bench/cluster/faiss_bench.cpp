// k-means with seeding and scoring against faiss, on the same rows in the same run.
//
//     bench_faiss [--rows FILE.npy | --clustered N D] [--clusters K] [--iterations I] [--isa ISA]
//                 [--faiss-threads T]
//
// Times seeding, iterations and the last assignment together; making and reading rows is apart.
// faiss: Clustering on all rows (max_points_per_centroid = n), then IndexFlat's search of the
// nearest centroid. Limits: the products' operations at the rate of oneDNN's own products of the
// same blocks in this run, and the rows' bytes at the rate at which two threads read them.
// Objectives are computed here for both, in double, from the centroids. Not a Google Benchmark:
// each takes seconds, once, alternating.

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "winnow/cluster/kmeans.hpp"
#include "winnow/core/parallel.hpp"
#include "winnow/core/stopwatch.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/numerics/product.hpp"
#include "winnow/numerics/rounded_product.hpp"
#include "winnow/numerics/vectors.hpp"

extern "C" {
char* openblas_get_config();
char* openblas_get_corename();
}

namespace winnow {
namespace {

struct Arguments {
  std::string rows;
  std::int64_t n = 100'000;
  std::int64_t d = 512;
  std::int64_t k = 1000;
  std::int64_t iterations = 10;
  std::int64_t repetitions = 2;
  Isa isa = Isa::automatic;
};

Arguments parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i + 1 < count; ++i) {
    const std::string flag = values[i];
    if (flag == "--rows") arguments.rows = values[++i];
    if (flag == "--clustered" && i + 2 < count) {
      arguments.n = std::atoll(values[++i]);
      arguments.d = std::atoll(values[++i]);
    }
    if (flag == "--clusters") arguments.k = std::atoll(values[++i]);
    if (flag == "--iterations") arguments.iterations = std::atoll(values[++i]);
    if (flag == "--repetitions") arguments.repetitions = std::atoll(values[++i]);
    if (flag == "--isa") arguments.isa = parse_enum<Isa>("isa", values[++i]);
  }
  return arguments;
}

/// Unit rows around k centres, as far from them as the centres are from the origin.
Matrix<float> clustered_rows(const Arguments& arguments) {
  RandomStream stream(Seed{0}, "faiss-bench");
  Matrix<float> centres(arguments.k, arguments.d);
  for (std::int64_t i = 0; i < centres.size(); ++i) {
    centres.data()[i] = static_cast<float>(stream.normal());
  }
  Matrix<float> rows(arguments.n, arguments.d);
  for (std::int64_t i = 0; i < arguments.n; ++i) {
    const auto centre = centres.row(
        static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(arguments.k))));
    for (std::int64_t j = 0; j < arguments.d; ++j) {
      rows(i, j) = centre[static_cast<std::size_t>(j)] + static_cast<float>(stream.normal());
    }
  }
  return rows;
}

/// One multiplication of all rows with k of them, as k-means does it.
double seconds_of_products(MatrixView<const float> rows, std::int64_t k) {
  constexpr std::int64_t block_rows = 512;
  const MatrixView<const float> columns = rows.block(0, k);
  std::optional<numerics::RoundedProduct> rounded;
  if (numerics::RoundedProduct::pays(k)) rounded.emplace(columns);
  const Stopwatch watch;
  parallel_blocks((rows.rows() + block_rows - 1) / block_rows, silent(), [&](std::int64_t block) {
    thread_local Matrix<float> products(block_rows, 0);
    if (products.cols() != k) products = {block_rows, k};
    const std::int64_t count = std::min(block_rows, rows.rows() - block * block_rows);
    const MatrixView<float> out = products.view().block(0, count);
    if (!rounded) {
      return numerics::product(rows.block(block * block_rows, count), numerics::Transpose::no,
                               columns, numerics::Transpose::yes, out);
    }
    std::array<const float*, block_rows> starts{};
    std::array<double, block_rows> errors{};
    for (std::int64_t i = 0; i < count; ++i) {
      starts.at(static_cast<std::size_t>(i)) = rows.row(block * block_rows + i).data();
    }
    rounded->apply({starts.data(), static_cast<std::size_t>(count)}, out, errors);
  });
  return watch.seconds();
}

/// Gigabytes a second at which all threads together read the rows.
double read_rate(MatrixView<const float> rows) {
  std::vector<double> norms;
  const Stopwatch watch;
  norms = numerics::row_norms(rows);
  return norms.empty() ? 0.0 : static_cast<double>(rows.size()) * 4.0 / watch.seconds() / 1e9;
}

double run_faiss(const Matrix<float>& rows, const Arguments& arguments, Matrix<float>& centroids) {
  const auto n = static_cast<faiss::Index::idx_t>(rows.rows());
  const Stopwatch watch;
  faiss::ClusteringParameters parameters;
  parameters.niter = static_cast<int>(arguments.iterations);
  parameters.spherical = true;
  parameters.max_points_per_centroid = static_cast<int>(n);
  parameters.min_points_per_centroid = 1;
  faiss::Clustering clustering(static_cast<int>(rows.cols()), static_cast<int>(arguments.k),
                               parameters);
  faiss::IndexFlatIP index(rows.cols());
  clustering.train(n, rows.data(), index);
  std::vector<float> similarity(static_cast<std::size_t>(n));
  std::vector<faiss::Index::idx_t> nearest(static_cast<std::size_t>(n));
  index.search(n, rows.data(), 1, similarity.data(), nearest.data());
  const double seconds = watch.seconds();
  centroids = Matrix<float>(arguments.k, rows.cols());
  std::copy(clustering.centroids.begin(), clustering.centroids.end(), centroids.data());
  return seconds;
}

int run(const Arguments& arguments) {
  numerics::set_isa(arguments.isa);
  Stopwatch making;
  const Matrix<float> rows =
      numerics::normalize_rows(arguments.rows.empty() ? clustered_rows(arguments)
                                                      : io::read_embeddings(arguments.rows).rows);
  const double seconds_making = making.seconds();
  fmt::print(
      "rows {} x {}, k = {}, {} iterations, {} threads, made in {:.1f} s\nfaiss on {} ({})\n",
      rows.rows(), rows.cols(), arguments.k, arguments.iterations, thread_count(), seconds_making,
      openblas_get_config(), openblas_get_corename());
  const double passes = static_cast<double>(arguments.iterations + 1);
  for (std::int64_t repetition = 0; repetition < arguments.repetitions; ++repetition) {
    const double product = seconds_of_products(rows, arguments.k);
    const double rate = read_rate(rows);
    const auto ours =
        cluster::kmeans(rows, {.n_clusters = arguments.k, .iterations = arguments.iterations});
    const double total = ours.seconds_seeding + ours.seconds_iterating + ours.seconds_scoring;
    Matrix<float> centroids;
    const double theirs = run_faiss(rows, arguments, centroids);
    const double objective =
        cluster::assign(rows, numerics::normalize_rows(centroids), Geometry::spherical)
            .objective[0];
    const double computed =
        static_cast<double>(ours.computed) / static_cast<double>(rows.rows() * arguments.k);
    const double floor =
        computed * product + passes * static_cast<double>(rows.size()) * 4.0 / (rate * 1e9);
    fmt::print(
        "winnow {:.2f} s (seeding {:.2f}, iterations {:.2f}, last {:.2f}), faiss {:.2f} s: {:.1f} "
        "times; one multiplication {:.3f} s, all {:.2f} s; {:.0f} % of comparisons skipped, floor "
        "of "
        "the others {:.2f} s ({:.1f} GB/s read): {:.2f} of it; objective {:.6f}, faiss {:.6f}\n",
        total, ours.seconds_seeding, ours.seconds_iterating, ours.seconds_scoring, theirs,
        theirs / total, product, passes * product, 100.0 * (1.0 - computed / passes), floor, rate,
        floor / total, ours.objective.back(), objective);
    std::fflush(stdout);
    if (ours.objective.back() > objective) fmt::print("the objective is worse than faiss'\n");
  }
  return 0;
}

}  // namespace
}  // namespace winnow

int main(int count, char** values) { return winnow::run(winnow::parse(count, values)); }
