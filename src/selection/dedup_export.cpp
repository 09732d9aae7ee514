#include "winnow/selection/dedup_export.hpp"

#include <fmt/format.h>

#include <utility>

#include "selection/line_file.hpp"
#include "winnow/io/csv.hpp"

namespace winnow::selection {

namespace {

void write_groups(const std::filesystem::path& path, const Dedup& dedup, const io::Dataset* dataset,
                  Progress& progress) {
  const auto key_of = [&](std::int64_t id) {
    return dataset == nullptr ? std::string() : io::csv_field(dataset->key(id));
  };
  progress.stage(fmt::format("write {}", groups_file),
                 static_cast<std::int64_t>(dedup.dropped.size()) + dedup.groups, "lines");
  LineFile file(path, progress);
  file.add("group,id,key,kept,match,similarity,similarity_to_kept");
  std::int64_t group = -1;
  std::int64_t kept = -1;
  for (const Duplicate& duplicate : dedup.dropped) {
    if (duplicate.kept != kept) {
      kept = duplicate.kept;
      file.add(fmt::format("{},{},{},1,,,", ++group, kept, key_of(kept)));
    }
    file.add(fmt::format("{},{},{},0,{},{},{}", group, duplicate.id, key_of(duplicate.id),
                         duplicate.match, duplicate.similarity, duplicate.similarity_to_kept));
  }
  file.commit();
  progress.done(fmt::format("{} groups", dedup.groups));
}

}  // namespace

Selection selection_of(const Dedup& dedup, std::int64_t n, std::span<const std::int32_t> labels,
                       std::span<const std::string> class_names) {
  Selection selection;
  selection.ids = dedup.ids;
  selection.outcomes.assign(static_cast<std::size_t>(n), Outcome::kept);
  for (const Duplicate& duplicate : dedup.dropped) {
    selection.outcomes[static_cast<std::size_t>(duplicate.id)] = Outcome::duplicate;
  }
  selection.audit = audit(selection.outcomes, labels, class_names, {});
  return selection;
}

std::vector<std::string> write_dedup(const std::filesystem::path& folder, const Dedup& dedup,
                                     const Selection& selection, const DedupOptions& options,
                                     Source source, const ExportOptions& exports,
                                     Progress& progress) {
  Json details = {{"policy", "dedup"},
                  {"keep", options.keep ? Json(*options.keep) : Json()},
                  {"note", "no class balance: near-duplicates go whatever their class"},
                  {"epsilon", dedup.epsilon},
                  {"grouping", enum_name(options.grouping)},
                  {"representative", enum_name(options.representative)},
                  {"groups", dedup.groups},
                  {"largest_group", dedup.largest_group},
                  {"equal_rows", dedup.equal_rows}};
  details.update(source.details);
  source.details = std::move(details);
  source.extra.push_back({groups_file, [&](const std::filesystem::path& path) {
                            write_groups(path, dedup, source.dataset, progress);
                          }});
  return write_selection(folder, selection, source, exports, progress);
}

}  // namespace winnow::selection
