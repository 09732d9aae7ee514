// Theory against simulation: bench_theory_acceptance FILE.csv
//
// Simulates every point of the table at N = 400, 800 and 1,600 with 32 repetitions each, unless
// FILE.csv has it already, and appends a row per simulation: it may be stopped at any time and goes
// on where it was. Then prints the table of docs/results.md. About an hour on one core.
//
// Extrapolated: the intercept of a weighted linear fit in 1 / N of the three means. Pull: what was
// measured less the theory, over the standard error of what was measured.

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/theory/simulate.hpp"
#include "winnow/theory/solve.hpp"

namespace winnow::theory {
namespace {

constexpr std::array<std::int64_t, 3> sizes = {400, 800, 1600};
constexpr std::int32_t n_repetitions = 32;

struct Point {
  Setting setting;
  double alpha_tot, keep;
};

std::vector<Point> points() {
  constexpr auto hard = Policy::hard;
  constexpr auto easy = Policy::easy;
  constexpr auto any = Policy::random;
  constexpr auto absolute = Margin::absolute;
  constexpr auto with_sign = Margin::times_label;
  return {{{any, absolute, 0}, 0.5, 1.0},      {{any, absolute, 0}, 1.0, 1.0},
          {{any, absolute, 0}, 2.0, 1.0},      {{any, absolute, 0}, 4.0, 1.0},
          {{hard, absolute, 0}, 2.0, 0.5},     {{hard, absolute, 0}, 5.0, 0.4},
          {{hard, absolute, 0}, 10.0, 0.3},    {{hard, absolute, 0}, 30.0, 0.1},
          {{easy, absolute, 0}, 2.0, 0.5},     {{easy, absolute, 0}, 5.0, 0.4},
          {{easy, absolute, 0}, 10.0, 0.3},    {{hard, absolute, 5}, 20.0, 0.15},
          {{hard, absolute, 10}, 5.0, 0.4},    {{hard, absolute, 10}, 15.0, 0.2},
          {{hard, absolute, 20}, 10.0, 0.3},   {{hard, absolute, 20}, 15.0, 0.1},
          {{hard, absolute, 40}, 5.0, 0.4},    {{easy, absolute, 10}, 5.0, 0.4},
          {{easy, absolute, 20}, 10.0, 0.2},   {{easy, absolute, 40}, 5.0, 0.4},
          {{hard, with_sign, 10}, 10.0, 0.3},  {{hard, with_sign, 20}, 10.0, 0.2},
          {{hard, with_sign, 40}, 10.0, 0.15}, {{easy, with_sign, 30}, 4.0, 0.5},
          {{easy, with_sign, 20}, 10.0, 0.3},  {{easy, with_sign, 40}, 4.0, 0.25}};
}

/// Means and standard errors of one simulation.
struct Row {
  Estimate epsilon, rho, kappa;
};
using Rows = std::map<std::string, Row>;

std::string key_of(const Point& point, std::int64_t n) {
  return fmt::format("{},{},{},{},{},{}", enum_name(point.setting.policy),
                     enum_name(point.setting.margin), point.setting.probe_angle, point.alpha_tot,
                     point.keep, n);
}

Rows read_rows(const std::string& path) {
  Rows rows;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::size_t end = 0;
    for (int field = 0; field < 6; ++field) end = line.find(',', end + 1);
    if (end == std::string::npos) continue;
    std::string numbers = line.substr(end + 1);
    for (char& c : numbers) c = c == ',' ? ' ' : c;
    std::istringstream words(numbers);
    Row row;
    if (words >> row.epsilon.mean >> row.epsilon.standard_error >> row.rho.mean >>
        row.rho.standard_error >> row.kappa.mean >> row.kappa.standard_error) {
      rows[line.substr(0, end)] = row;
    }
  }
  return rows;
}

void simulate_missing(Rows& rows, const std::string& path) {
  for (const std::int64_t n : sizes) {
    std::uint64_t index = 0;
    for (const Point& point : points()) {
      ++index;
      const std::string key = key_of(point, n);
      if (rows.contains(key)) continue;
      SimulationOptions options;
      options.n_parameters = n;
      options.alpha_tot = point.alpha_tot;
      options.keep = point.keep;
      options.setting = point.setting;
      options.n_repetitions = n_repetitions;
      // No two simulations share what they draw: the fit and the pulls take them for independent.
      options.seed = Seed{10'000 * index + static_cast<std::uint64_t>(n)};
      const SimulationResult result = simulate(options);
      if (result.n_unconverged > 0) throw WorkFailed(key + ": a training did not converge");
      rows[key] = {result.epsilon, result.rho, result.kappa};
      std::ofstream(path, std::ios::app)
          << fmt::format("{},{:.9g},{:.4g},{:.9g},{:.4g},{:.9g},{:.4g}\n", key, result.epsilon.mean,
                         result.epsilon.standard_error, result.rho.mean, result.rho.standard_error,
                         result.kappa.mean, result.kappa.standard_error);
      fmt::print(stderr, "{} epsilon {:.5f} +- {:.5f}\n", key, result.epsilon.mean,
                 result.epsilon.standard_error);
    }
  }
}

/// The value at 1 / N = 0 of the line through the estimates, weighted by their errors.
Estimate extrapolated(const std::array<Estimate, sizes.size()>& at) {
  double s0 = 0.0, s1 = 0.0, s2 = 0.0, y0 = 0.0, y1 = 0.0;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const double weight = 1.0 / (at[k].standard_error * at[k].standard_error);
    const double x = 1.0 / static_cast<double>(sizes[k]);
    s0 += weight;
    s1 += weight * x;
    s2 += weight * x * x;
    y0 += weight * at[k].mean;
    y1 += weight * x * at[k].mean;
  }
  const double determinant = s0 * s2 - s1 * s1;
  return {(s2 * y0 - s1 * y1) / determinant, std::sqrt(s2 / determinant)};
}

double pull(const Estimate& measured, double theory) {
  return (measured.mean - theory) / measured.standard_error;
}

/// Root mean squares of the pulls at every N and of the extrapolation.
class Pulls {
 public:
  std::array<double, sizes.size() + 1> add(const std::array<Estimate, sizes.size()>& at,
                                           double theory) {
    std::array<double, sizes.size() + 1> found{};
    for (std::size_t k = 0; k < sizes.size(); ++k) found[k] = pull(at[k], theory);
    found.back() = pull(extrapolated(at), theory);
    for (std::size_t k = 0; k < found.size(); ++k) squares_[k] += found[k] * found[k];
    ++count_;
    return found;
  }
  std::string text(const char* name) const {
    std::string line = fmt::format("| {} |", name);
    for (const double squares : squares_)
      line += fmt::format(" {:.2f} |", std::sqrt(squares / count_));
    return line;
  }

 private:
  std::array<double, sizes.size() + 1> squares_{};
  double count_ = 0.0;
};

void print_table(const Rows& rows) {
  fmt::print(
      "| policy | margin | angle | alpha_tot | f | theory | N = 400 | N = 800 | N = 1,600 | "
      "extrapolated | pulls at N | pull |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  Pulls epsilon, rho, kappa;
  for (const Point& point : points()) {
    const Solution theory = solve(point.setting.keeping(point.keep), point.alpha_tot * point.keep);
    std::array<Estimate, sizes.size()> e, r, k;
    for (std::size_t size = 0; size < sizes.size(); ++size) {
      const Row& row = rows.at(key_of(point, sizes[size]));
      e[size] = row.epsilon;
      r[size] = row.rho;
      k[size] = row.kappa;
    }
    const auto pulls = epsilon.add(e, theory.epsilon);
    rho.add(r, theory.rho);
    kappa.add(k, theory.kappa);
    const Estimate limit = extrapolated(e);
    fmt::print("| {} | {} | {}° | {} | {} | {:.5f} ", enum_name(point.setting.policy),
               enum_name(point.setting.margin), point.setting.probe_angle, point.alpha_tot,
               point.keep, theory.epsilon);
    for (const Estimate& at : e) fmt::print("| {:.5f} ± {:.5f} ", at.mean, at.standard_error);
    fmt::print("| {:.5f} ± {:.5f} | {:.1f}, {:.1f}, {:.1f} | {:.2f} |\n", limit.mean,
               limit.standard_error, pulls[0], pulls[1], pulls[2], pulls[3]);
  }
  fmt::print(
      "\n| rms of pulls | N = 400 | N = 800 | N = 1,600 | extrapolated |\n|---|---|---|---|---|\n"
      "{}\n{}\n{}\n",
      epsilon.text("error"), rho.text("rho"), kappa.text("kappa"));
}

}  // namespace
}  // namespace winnow::theory

int main(int argc, char** argv) {
  using namespace winnow::theory;
  if (argc != 2) {
    fmt::print(stderr, "usage: bench_theory_acceptance FILE.csv\n");
    return 2;
  }
  try {
    Rows rows = read_rows(argv[1]);
    simulate_missing(rows, argv[1]);
    print_table(rows);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_theory_acceptance: {}\n", error.what());
    return 1;
  }
  return 0;
}
