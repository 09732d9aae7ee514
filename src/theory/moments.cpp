#include "theory/moments.hpp"

#include <limits>
#include <vector>

#include "theory/gaussian.hpp"
#include "theory/quadrature.hpp"

namespace winnow::theory {

namespace {

/// The teacher's margin alone matters: z = tau. r is N(0, 1) whatever is kept.
Moments moments_of_line(const Pruning& pruning, const Student& student, Work& work) {
  const LineSums line = line_sums(pruning, {student.x, student.m_teacher}, work);
  Moments sum;
  sum.psi2 = line.psi2;
  sum.psi1 = line.psi1;
  sum.psi0 = line.psi0;
  sum.teacher_psi1 = line.t_psi1;
  sum.teacher_psi0 = line.t_psi0;
  sum.teacher2_psi0 = line.t2_psi0;
  sum.probe2_psi0 = line.psi0;
  return sum;
}

/// One band of probe margins in the plane of tau and r. Panels in tau, in each node of them panels
/// in r; where an edge of the band crosses the bulk in r, the panels in tau follow it.
class PlaneBand {
 public:
  PlaneBand(const Pruning& pruning, const Band& band, const Student& student)
      : band_(band),
        student_(student),
        sine_(pruning.sine()),
        cosine_(pruning.cosine()),
        start_(peak()),
        least_(exponent(start_)) {}

  /// The band's share of the integrals is about exp(-least_exponent()).
  double least_exponent() const { return least_; }

  void add_to(Moments& sum, Work& work) const {
    walk(std::numeric_limits<double>::infinity(), 1.0, sum, work);
    walk(0.0, -1.0, sum, work);
  }

 private:
  double low(double tau) const { return (tau * cosine_ - band_.high) / sine_; }
  double high(double tau) const { return (tau * cosine_ - band_.low) / sine_; }
  Line line(double tau) const { return {student_.x - student_.m_teacher * tau, student_.m_probe}; }

  /// The integral over r is about exp(-exponent(tau)). Convex.
  double exponent(double tau) const {
    const GaussianLine along(line(tau));
    return 0.5 * tau * tau + along.exponent(along.peak(low(tau), high(tau)));
  }

  /// Where the exponent is least, to a small part of the length on which it changes.
  double peak() const {
    const double enough = 0.01 / rate(0.0, false);
    if (exponent(1e-6 * enough) >= exponent(0.0)) return 0.0;
    double left = 0.0;
    double right = 64.0;
    while (right - left > enough) {
      const double a = left + (right - left) / 3.0;
      const double b = right - (right - left) / 3.0;
      (exponent(a) <= exponent(b) ? right : left) = exponent(a) <= exponent(b) ? b : a;
    }
    return 0.5 * (left + right);
  }

  /// Margins z whose edge lies among the r that matter at this tau.
  bool crosses(double edge, double tau) const {
    const double r = (tau * cosine_ - edge) / sine_;
    return std::abs(r) < edge_reach ||
           std::abs(r - GaussianLine(line(tau)).peak(low(tau), high(tau))) < edge_reach;
  }
  /// tau where an edge enters or leaves the bulk, the next one in `direction`.
  double next_crossing(double tau, double direction) const {
    double nearest = std::numeric_limits<double>::infinity();
    if (cosine_ == 0.0) return nearest;
    for (const double edge : {band_.low, band_.high}) {
      for (const double side : {-edge_reach, edge_reach}) {
        const double distance = ((edge + side * sine_) / cosine_ - tau) * direction;
        if (distance > 1e-12 * (1.0 + tau)) nearest = std::min(nearest, distance);
      }
    }
    return nearest;
  }

  /// One over the length in tau on which the integral over r changes.
  double rate(double tau, bool flat) const {
    const double smooth = flat ? 0.0
                               : student_.m_teacher * student_.m_teacher /
                                     (1.0 + student_.m_probe * student_.m_probe);
    double edges = 0.0;
    if (cosine_ != 0.0 && (crosses(band_.low, tau) || crosses(band_.high, tau))) {
      const double slope = cosine_ / sine_;
      const double along = flat ? 0.0 : student_.m_teacher + student_.m_probe * slope;
      edges = slope * slope + along * along;
    }
    return std::sqrt(1.0 + smooth + edges);
  }

  void walk(double end, double direction, Moments& sum, Work& work) const {
    // y > flat_from over the whole bulk in r.
    const double reach = flat_from + 9.0 * std::abs(student_.m_probe);
    for (double at = start_; (end - at) * direction > 0.0;) {
      const double y = student_.x - student_.m_teacher * at;
      const bool falls = student_.m_teacher * direction > 0.0;
      const double to_slope = falls ? (y - reach) / std::abs(student_.m_teacher) : panel_width;
      const double middle = at + 1e-9 * direction;
      const bool flat = y >= reach && to_slope * rate(middle, false) >= panel_width;
      const double scale = rate(middle, flat);
      double step = panel_width / scale;
      if (flat && falls) step = std::min(step, to_slope);
      step = std::min(step, next_crossing(at, direction));
      const auto rise = [&](double to) { return std::abs(exponent(to) - exponent(at)); };
      while (rise(at + direction * step) > panel_exponent) step *= 0.5;
      const double next = (end - at) * direction <= step ? end : at + direction * step;
      if (next == at) break;
      const Nodes nodes = panel_nodes(std::min(at, next), std::max(at, next),
                                      scale * std::abs(next - at), rise(next));
      for (int i = 0; i < nodes.count; ++i) {
        add_line(nodes.position[i], nodes.weight[i] * phi(nodes.position[i]), sum, work);
      }
      at = next;
      if (exponent(at) - least_ > negligible_exponent) break;
    }
  }

  void add_line(double tau, double weight, Moments& sum, Work& work) const {
    const Line along = line(tau);
    LineSums inner;
    GaussianLine(along).visit(low(tau), high(tau), [&](const Nodes& nodes) {
      add_line_sums_(nodes, along, inner);
      work.nodes += nodes.count;
    });
    const double mass = band_.weight * weight;
    sum.psi2 += mass * inner.psi2;
    sum.psi1 += mass * inner.psi1;
    sum.psi0 += mass * inner.psi0;
    sum.teacher_psi1 += mass * tau * inner.psi1;
    sum.teacher_psi0 += mass * tau * inner.psi0;
    sum.teacher2_psi0 += mass * tau * tau * inner.psi0;
    sum.probe_psi1 += mass * inner.t_psi1;
    sum.probe_psi0 += mass * inner.t_psi0;
    sum.cross_psi0 += mass * tau * inner.t_psi0;
    sum.probe2_psi0 += mass * inner.t2_psi0;
  }

  static constexpr double edge_reach = 9.5;

  Band band_;
  Student student_;
  AddLineSums add_line_sums_ = line_sums_kernel();
  double sine_;
  double cosine_;
  double start_;
  double least_;
};

}  // namespace

LineSums line_sums(const Pruning& pruning, const Line& line, Work& work) {
  const AddLineSums add_line_sums = line_sums_kernel();
  LineSums sum;
  for (const Band& band : pruning.bands()) {
    LineSums of_band;
    GaussianLine(line).visit(std::max(band.low, 0.0) - line.shift, band.high - line.shift,
                             [&](const Nodes& nodes) {
                               add_line_sums(nodes, line, of_band);
                               work.nodes += nodes.count;
                             });
    for (const auto part : {&LineSums::psi2, &LineSums::psi1, &LineSums::psi0, &LineSums::t_psi1,
                            &LineSums::t_psi0, &LineSums::t2_psi0}) {
      sum.*part += band.weight * of_band.*part;
    }
  }
  return sum;
}

Moments moments(const Pruning& pruning, const Student& student, Work& work) {
  Moments sum;
  if (pruning.is_exact()) {
    sum = moments_of_line(pruning, student, work);
  } else {
    std::vector<PlaneBand> bands;
    double least = std::numeric_limits<double>::infinity();
    for (const Band& band : pruning.bands()) {
      bands.emplace_back(pruning, band, student);
      least = std::min(least, bands.back().least_exponent());
    }
    // The rest is nothing beside the rounding of these.
    for (const PlaneBand& band : bands) {
      if (band.least_exponent() - least < 2.0 * negligible_exponent) band.add_to(sum, work);
    }
  }
  const double scale = 2.0 / pruning.keep();
  for (double* value :
       {&sum.psi2, &sum.psi1, &sum.teacher_psi1, &sum.probe_psi1, &sum.psi0, &sum.teacher_psi0,
        &sum.probe_psi0, &sum.teacher2_psi0, &sum.cross_psi0, &sum.probe2_psi0}) {
    *value *= scale;
  }
  return sum;
}

}  // namespace winnow::theory
