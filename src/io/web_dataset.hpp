#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/image_names.hpp"
#include "io/tar_index.hpp"
#include "winnow/core/files.hpp"
#include "winnow/io/arrays.hpp"

namespace winnow::io {

/// A mapped tar and what is in it.
struct TarShard {
  MappedFile file;
  TarIndex index;

  std::string name(std::int64_t member) const {
    return member_name(file.path().string(), index.paths[member]);
  }
  std::span<const std::byte> bytes(std::int64_t member) const;
};

/// Key of the example that a file belongs to: its path up to the first dot of its name.
std::string_view web_key(std::string_view path);

/// An example of a WebDataset: members [begin, end) of a shard, one of them the image.
struct WebExample {
  std::int32_t shard = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t image = 0;
};

struct WebDataset {
  std::vector<WebExample> examples;  ///< in the order of the shards and their members
  Labels labels;                     ///< empty when no example has one
  PassedOver others;                 ///< files of no example
};

/// Reads shards as a WebDataset, or returns nothing when they are not one.
///
/// Members that follow one another with the same key are one example. Its label is a whole number
/// in `KEY.cls`, else the value of "label" or "cls" at the top of `KEY.json`: a whole number or a
/// text. Shards are a WebDataset when a .cls is in them or an image's .json has a label; also, then
/// without labels, when images have a .json and none lies in a folder.
///
/// @throws BadFile naming the members: a key that comes twice, two images of one example, a label
///         without an image, an image without a label where others have one, a label that is no
///         class index, a .json that cannot be read, an image in a format that is not read.
std::optional<WebDataset> find_web_dataset(const std::vector<TarShard>& shards, Progress& progress);

}  // namespace winnow::io
