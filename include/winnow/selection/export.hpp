#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "winnow/core/fingerprint.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/selection/select.hpp"

namespace winnow {
namespace selection {

/// Further files beside `keep.npy` and `keep.json`.
enum class Format { keys, csv, mask, jsonl, dropped };

/// What to do with the kept examples' own files.
enum class FileMode { none, copy, link, tar };

}  // namespace selection

template <>
struct EnumNames<selection::Format> {
  static constexpr EnumName<selection::Format> values[] = {{selection::Format::keys, "keys"},
                                                           {selection::Format::csv, "csv"},
                                                           {selection::Format::mask, "mask"},
                                                           {selection::Format::jsonl, "jsonl"},
                                                           {selection::Format::dropped, "dropped"}};
};

template <>
struct EnumNames<selection::FileMode> {
  static constexpr EnumName<selection::FileMode> values[] = {{selection::FileMode::none, "none"},
                                                             {selection::FileMode::copy, "copy"},
                                                             {selection::FileMode::link, "link"},
                                                             {selection::FileMode::tar, "tar"}};
};

namespace selection {

/// What write_selection() writes beyond `keep.npy` and `keep.json`.
struct ExportOptions {
  std::vector<Format> formats{};
  FileMode files = FileMode::none;
};

/// "keys,csv" as formats, in the order of Format and each once; "" gives none.
/// @throws InvalidArgument on an unknown name.
std::vector<Format> parse_formats(std::string_view list);

/// What `winnow dedup` writes beside a selection.
inline constexpr const char* groups_file = "groups.csv";

/// A further file of a selection's folder; `write` makes it at the path that it is given.
struct ExtraFile {
  std::string name;
  std::function<void(const std::filesystem::path& path)> write;
};

/// Where a selection came from; everything that its files say besides the choice itself.
struct Source {
  std::span<const double> scores;          ///< [n]
  std::span<const std::int32_t> labels{};  ///< [n], or empty
  const io::Dataset* dataset = nullptr;    ///< for keys and files; may be null
  Fingerprint fingerprint{};               ///< of scores and labels; may be unknown
  std::vector<InputFile> inputs{};         ///< files that were read
  Json details = Json::object();           ///< further entries of keep.json, e.g. the metric
  std::vector<ExtraFile> extra{};          ///< made with the others, moved into place with them
};

/// Writes a selection into a folder, and returns the names written.
///
///     keep.npy      int64, sorted sample ids               keep.json    how it came about
///     keep.txt      keys:    one key a line                mask.npy     mask: bool [n]
///     keep.csv      csv:     id,key,label,score            keep.jsonl   jsonl: the same per line
///     dropped.csv   dropped: id,key,label,score,reason
///     files/KEY     copy or link: the kept files           kept.tar     tar: the same in one file
///
/// Key and label are empty (null in JSON) where there is no dataset or no label. Examples without
/// a file of their own are written as PNG, or as the image bytes they are stored in, with the
/// extension added to a key that lacks it; those of a WebDataset with all their files. Links are
/// symbolic and absolute. The tar (pax only where ustar cannot hold a name) is the same, byte for
/// byte, for the same files: no times, no owners.
///
/// Everything is checked first, then written to a hidden folder inside, then moved into place:
/// whatever fails, or an interruption, leaves the folder as it was. Files that this function wrote
/// there for an earlier selection and does not write anew are removed.
///
/// @throws InvalidArgument  keys or files asked for without a dataset (of images), or links of
///                          examples that have no file on disk.
/// @throws DatasetMismatch  a dataset of another length or fingerprint.
/// @throws BadFile          a key that is no safe relative path, or that two examples share, a key
///                          with a line break in keep.txt, an unreadable source file.
/// @throws WorkFailed       no space left, no permission. Interrupted.
std::vector<std::string> write_selection(const std::filesystem::path& folder,
                                         const Selection& selection, const Source& source,
                                         const ExportOptions& options = {},
                                         Progress& progress = silent());

}  // namespace selection
}  // namespace winnow
