#pragma once

#include "winnow/cluster/hierarchical.hpp"
#include "winnow/core/options.hpp"

namespace winnow::selection {

/// How the balanced policy goes. Set fields by name; checked by select().
struct BalancedOptions {
  cluster::LeafOrder leaf = cluster::LeafOrder::random;  ///< Who comes first in a finest cluster.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.leaf, FieldInfo{.name = "leaf",
                               .help = "Examples of a finest cluster that stay: any, the nearest "
                                       "to its centroid, or the farthest."});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

}  // namespace winnow::selection
