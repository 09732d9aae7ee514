#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/run_data.hpp"
#include "winnow/report/report.hpp"

namespace winnow::report {

/// A part of the page; nothing to show when `html` is empty.
struct Section {
  std::string id;
  std::string title;
  std::string html;  ///< Without the heading.
};

/// What sections of one page share.
struct PageState {
  const ReportOptions& options;
  bool plots = false;      ///< Whether this build can draw.
  std::string prefix;      ///< Makes ids of several runs unique, e.g. "run-2-".
  ReportSummary& summary;  ///< Counted up as things are written.
  std::int64_t image_bytes = 0;
};

/// What was scored and kept, what it cost or gained, and the command to repeat it.
Section summary_section(const RunData& run, PageState& page);
Section warnings_section(const RunData& run, PageState& page);
/// Kept per class before and after.
Section classes_section(const RunData& run, PageState& page);
/// Histogram with the cut; spread per class.
Section scores_section(const RunData& run, PageState& page);
/// Test errors of the evaluation, in words, plots and a table.
Section errors_section(const RunData& run, PageState& page);
/// Curves, frontiers, phases and information of a run of `winnow theory`, in theory_section.cpp.
Section theory_section(const RunData& run, PageState& page);
/// Inputs, fingerprint, options, times, versions.
Section provenance_section(const RunData& run, PageState& page);
/// Several runs side by side; empty for a single one.
Section comparison_section(const std::vector<RunData>& runs);

/// Easiest and hardest examples of every class, in gallery.cpp.
Section class_gallery(RunData& run, PageState& page);
/// The same of every cluster.
Section cluster_gallery(RunData& run, PageState& page);

}  // namespace winnow::report
