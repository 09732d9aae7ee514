#include <fmt/format.h>

#include "numerics/eigen_library.hpp"
#include "winnow/core/error.hpp"

extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming): LAPACK's name.
void dsyevr_(const char* job, const char* range, const char* triangle, const int* n, double* a,
             const int* lda, const double* low, const double* high, const int* first,
             const int* last, const double* tolerance, int* found, double* values, double* vectors,
             const int* ldz, int* support, double* work, const int* work_size, int* int_work,
             const int* int_work_size, int* info);
void openblas_set_num_threads(int count);
int openblas_get_num_threads();
}

namespace winnow::numerics {

namespace {

/// One OpenBLAS thread while alive: its results depend on the number of threads.
class SingleThreadedBlas {
 public:
  SingleThreadedBlas() : before_(openblas_get_num_threads()) { openblas_set_num_threads(1); }
  ~SingleThreadedBlas() { openblas_set_num_threads(before_); }
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;

 private:
  int before_;
};

}  // namespace

AscendingEigen library_eigenpairs(MatrixView<const double> a, std::int64_t count) {
  const SingleThreadedBlas single_threaded;
  const int n = static_cast<int>(a.rows());
  const int first = n - static_cast<int>(count) + 1;
  const double unused = 0.0;
  std::vector<double> matrix(a.data(), a.data() + a.size());
  AscendingEigen result{std::vector<double>(static_cast<std::size_t>(n)), Matrix<double>(count, n)};
  std::vector<int> support(2 * static_cast<std::size_t>(count));
  std::vector<double> work(1);
  std::vector<int> int_work(1);
  int found = 0;
  int info = 0;
  // Row-major upper is LAPACK's column-major lower triangle. First call: sizes of the work arrays.
  for (int work_size = -1, int_work_size = -1;;) {
    dsyevr_("V", "I", "L", &n, matrix.data(), &n, &unused, &unused, &first, &n, &unused, &found,
            result.values.data(), result.vectors.data(), &n, support.data(), work.data(),
            &work_size, int_work.data(), &int_work_size, &info);
    if (work_size > 0 || info != 0) break;
    work_size = static_cast<int>(work[0]);
    int_work_size = int_work[0];
    work.resize(static_cast<std::size_t>(work_size));
    int_work.resize(static_cast<std::size_t>(int_work_size));
  }
  if (info != 0 || found != count) {
    throw WorkFailed(
        fmt::format("LAPACK dsyevr failed (info {}, {} of {} eigenpairs)", info, found, count));
  }
  result.values.resize(static_cast<std::size_t>(count));
  return result;
}

}  // namespace winnow::numerics
