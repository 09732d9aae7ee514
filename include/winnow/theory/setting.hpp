#pragma once

#include "winnow/theory/pruning.hpp"

namespace winnow::theory {

/// Everything about pruning but how much: what curves and frontiers hold fixed.
struct Setting {
  Policy policy = Policy::hard;
  Margin margin = Margin::absolute;
  double probe_angle = 0.0;

  Pruning keeping(double keep) const { return Pruning::of(policy, margin, keep, probe_angle); }

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.policy, {.name = "policy",
                        .help = "What stays: the examples of smallest margin under the probe "
                                "(hard), of largest (easy), or any (random)."});
    visit(self.margin,
          {.name = "margin",
           .help = "The margin ranked by: distance from the probe's boundary (absolute), or that "
                   "times the label, so that what the probe gets wrong is hardest (signed)."});
    visit(self.probe_angle, {.name = "probe-angle",
                             .help = "Angle between probe and teacher; 0: a perfect probe.",
                             .unit = "degrees",
                             .min = 0,
                             .max = 90});
  }
};

}  // namespace winnow::theory
