#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "winnow/io/arrays.hpp"

namespace winnow::io {

/// What a label in a table says: a whole number, some other number, or a text.
enum class LabelKind { integer, other_number, text };

LabelKind label_kind(const std::string& value);

/// Class indices of labels as they are written.
///
/// Values that all are names in `own` are those classes. Else whole numbers are indices, into `own`
/// when it has names; else texts are classes of their own, in byte order.
/// @param own    class names of the dataset, or empty
/// @param where  names a row in messages
/// @throws BadFile naming the row: empty, not a class index, numbers among texts; numbers that name
///         one class and are the index of another.
Labels index_labels(std::span<const std::string> values, std::span<const std::string> own,
                    const std::function<std::string(std::size_t)>& where);

/// Labels by position from a `.npy`; the class names are numbers.
Labels read_npy_labels(const std::filesystem::path& path);

}  // namespace winnow::io
