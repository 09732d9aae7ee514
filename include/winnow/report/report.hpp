#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"

namespace winnow::report {

/// What write_report() puts on the page. Set fields by name; checked on entry.
struct ReportOptions {
  std::int32_t images_per_group = 8;  ///< Easiest and as many hardest; 0: no galleries.
  std::int32_t max_groups = 20;       ///< Classes, and clusters, in the galleries; largest first.
  std::int32_t histogram_bins = 60;   ///< Aim; bin edges fall on round numbers.
  std::int32_t image_budget = 24;     ///< MiB of image bytes in one report.
  std::string data = {};              ///< Dataset of the runs, where it moved since; "": as run.

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.images_per_group, {.name = "images-per-group",
                                  .help = "Easiest, and hardest, examples shown of a class or "
                                          "cluster; 0 leaves the galleries out",
                                  .unit = "images",
                                  .min = 0,
                                  .max = 1000});
    visit(self.max_groups, {.name = "max-groups",
                            .help = "Classes, and clusters, in the galleries, largest first",
                            .min = 1,
                            .max = 10000});
    visit(self.histogram_bins, {.name = "histogram-bins",
                                .help = "About how many bins the score histogram has",
                                .unit = "bins",
                                .min = 5,
                                .max = 1000});
    visit(self.image_budget, {.name = "image-budget",
                              .help = "Most image bytes in the page; what goes beyond is named, "
                                      "not shown",
                              .unit = "MiB",
                              .min = 0,
                              .max = 1024});
    visit(self.data, {.name = "data",
                      .help = "Dataset to take images and labels from, where it is no longer "
                              "where the runs found it"});
  }

  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const { validate_fields(*this); }
};

/// What write_report() wrote.
struct ReportSummary {
  std::filesystem::path path;         ///< The page.
  std::int64_t bytes = 0;             ///< Its size.
  std::int32_t plots = 0;             ///< 0 in a build without plots, which has tables instead.
  std::int64_t images = 0;            ///< Images inlined.
  std::vector<std::string> warnings;  ///< Everything the page warns of, in page order.
};

/// True when this build inlines the plotting libraries (needs npm at build time).
bool plots_available();

/// Writes one self-contained HTML page about run folders: it opens from disk and asks the network
/// for nothing. Each run (`run.json`, any kind) gives the sections that its files allow:
///
///     summary, warnings, kept per class, scores and cut, test errors, galleries, provenance
///
/// A file that a run does not have leaves its section out; a dataset that cannot be opened any more
/// leaves out images and, without the run's own audit, classes, and the page says so.
///
/// @param runs     Folders, each with a `run.json`; more than one are also compared.
/// @param out      The page; replaced whole or not at all.
/// @throws InvalidArgument  no runs, or bad options.
/// @throws BadFile          a folder without run.json, or a malformed file in it.
/// @throws DatasetMismatch  files of one run that are about different data.
///
/// Deterministic: the same folders and options give the same bytes; the page knows no clock.
/// Cost: O(n log n) in examples, plus encoding the images shown.
ReportSummary write_report(const std::vector<std::filesystem::path>& runs,
                           const std::filesystem::path& out, const ReportOptions& options = {},
                           Progress& progress = silent());

}  // namespace winnow::report
