#pragma once

#include <cstddef>
#include <vector>

#include "io/label_table.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/io/dataset.hpp"

namespace winnow::io {

/// The row of a table that names each example of a dataset.
///
/// A name is the example whose key is equal to it; else the one example of which the name is the
/// end or whose key is the end of the name, in whole parts of a path: `frog/0.jpg` for
/// `train/frog/0.jpg`, and the other way round. A leading `./` of a name does not count.
/// Names of examples that skip-unreadable left out are passed over.
/// @return  [dataset.size()] rows of the table
/// @throws BadFile          a name that comes twice or fits several examples
/// @throws DatasetMismatch  names of no example, examples without a name; how many and the first
///
/// O(n) memory; every suffix of every name or key that has no equal is looked up once.
std::vector<std::size_t> join_names(const LabelTable& table, const Dataset& dataset,
                                    Progress& progress);

}  // namespace winnow::io
