#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "report/distribution.hpp"
#include "report/format.hpp"
#include "report/html.hpp"
#include "report/sections.hpp"
#include "winnow/core/error.hpp"

namespace winnow::report {

namespace {

/// Writes cards of examples, within the page's image budget.
class Gallery {
 public:
  Gallery(RunData& run, PageState& page) : run_(run), page_(page), kept_(run.kept_mask()) {}

  void append_group(const Group& group, const std::string& facts) {
    const auto size = static_cast<std::int64_t>(group.members.size());
    const std::int64_t limit = page_.options.images_per_group;
    const std::int64_t n_easy = std::min(limit, (size + 1) / 2);
    const std::int64_t n_hard = std::min(limit, size / 2);
    html_.markup("<div class=\"group\">").element("h3", group.name).element("p", facts, "facts");
    html_.markup("<div class=\"extremes\">");
    html_.markup("<div><h4>Easiest</h4><div class=\"cards\">\n");
    for (std::int64_t i = 0; i < n_easy; ++i) append_card(member(group, i));
    html_.markup("</div></div><div><h4>Hardest</h4><div class=\"cards\">\n");
    for (std::int64_t i = 0; i < n_hard; ++i) append_card(member(group, size - 1 - i));
    html_.markup("</div></div></div></div>\n");
  }

  Html& html() { return html_; }
  std::int64_t left_out() const { return left_out_; }

 private:
  static std::int64_t member(const Group& group, std::int64_t i) {
    return group.members[static_cast<std::size_t>(i)];
  }

  std::string label(std::int64_t id) const {
    if (run_.labels.empty()) return "";
    const auto index = static_cast<std::size_t>(run_.labels[static_cast<std::size_t>(id)]);
    return run_.class_names[index];
  }

  /// Data URI; nothing when there are no images, the budget is spent, or the file is broken.
  std::optional<std::string> image(std::int64_t id) {
    if (run_.dataset == nullptr || !run_.dataset->has_images()) return {};
    try {
      const io::EncodedImage encoded = run_.dataset->encoded_image(id);
      const auto size = static_cast<std::int64_t>(encoded.bytes.size());
      if (page_.image_bytes + size > std::int64_t{page_.options.image_budget} << 20) {
        ++left_out_;
        return {};
      }
      page_.image_bytes += size;
      ++page_.summary.images;
      return fmt::format("data:{};base64,{}", encoded.mime, base64(encoded.bytes));
    } catch (const BadFile& error) {
      run_.warnings.push_back(fmt::format("An image could not be shown: {}", error.what()));
      return {};
    } catch (const NotAvailable& error) {
      const std::string warning = fmt::format("No images are shown: {}", error.what());
      if (run_.warnings.empty() || run_.warnings.back() != warning) {
        run_.warnings.push_back(warning);
      }
      return {};
    }
  }

  void append_card(std::int64_t id) {
    const std::string key =
        run_.dataset != nullptr ? run_.dataset->key(id) : fmt::format("row {}", id);
    const std::string name = label(id);
    const bool kept = !kept_.empty() && kept_[static_cast<std::size_t>(id)] != 0;
    html_.markup(kept ? "<figure class=\"card kept\">" : "<figure class=\"card\">");
    if (const auto source = image(id)) {
      html_.markup(fmt::format(R"(<img loading="lazy" decoding="async" alt="{}" src="{}">)",
                               escape(name.empty() ? key : name + ", " + key), escape(*source)));
    }
    html_.markup("<figcaption>");
    if (!name.empty()) html_.element("b", name);
    html_.element("span", format_number(run_.scores[static_cast<std::size_t>(id)]), "score");
    if (!kept_.empty()) html_.element("span", kept ? "kept" : "dropped", "state");
    html_.markup(fmt::format("<code title=\"{}\">", escape(key))).text(key);
    html_.markup("</code></figcaption></figure>\n");
  }

  RunData& run_;
  PageState& page_;
  std::vector<std::uint8_t> kept_;
  Html html_;
  std::int64_t left_out_ = 0;
};

/// Examples kept among `members`.
std::int64_t kept_among(const Group& group, const std::vector<std::uint8_t>& kept) {
  return std::count_if(group.members.begin(), group.members.end(),
                       [&](std::int64_t id) { return kept[static_cast<std::size_t>(id)] != 0; });
}

double median_score(const Group& group, const std::vector<double>& scores) {
  const std::size_t half = group.members.size() / 2;
  const auto at = [&](std::size_t i) { return scores[static_cast<std::size_t>(group.members[i])]; };
  return group.members.size() % 2 == 1 ? at(half) : (at(half - 1) + at(half)) / 2.0;
}

std::string kept_facts(const Group& group, const std::vector<std::uint8_t>& kept) {
  const auto size = static_cast<std::int64_t>(group.members.size());
  std::string facts = plural(size, "example");
  if (!kept.empty()) {
    const std::int64_t count = kept_among(group, kept);
    facts += fmt::format(", {} kept ({})", format_count(count),
                         format_percent(static_cast<double>(count) / static_cast<double>(size)));
  }
  return facts;
}

/// The class that most members of a cluster have, with its share.
std::string main_class(const Group& group, const RunData& run) {
  std::map<std::int32_t, std::int64_t> counts;
  for (const std::int64_t id : group.members) ++counts[run.labels[static_cast<std::size_t>(id)]];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto index = static_cast<std::size_t>(most->first);
  return fmt::format("{} ({})", run.class_names[index],
                     format_percent(static_cast<double>(most->second) /
                                    static_cast<double>(group.members.size())));
}

Table cluster_table(const std::vector<Group>& groups, const RunData& run,
                    const std::vector<std::uint8_t>& kept) {
  Table table{.caption = "All clusters",
              .columns = {{"cluster", false}, {"examples"}, {"median score"}},
              .rows = {}};
  if (!kept.empty()) table.columns.push_back({"kept"});
  if (!run.labels.empty()) table.columns.push_back({"most common class", false});
  for (const auto& group : groups) {
    const auto size = static_cast<std::int64_t>(group.members.size());
    std::vector<std::string> row = {fmt::format("{}", group.index), format_count(size),
                                    format_number(median_score(group, run.scores))};
    if (!kept.empty()) {
      row.push_back(
          format_percent(static_cast<double>(kept_among(group, kept)) / static_cast<double>(size)));
    }
    if (!run.labels.empty()) row.push_back(main_class(group, run));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string intro(const PageState& page, std::size_t shown, std::size_t all, const char* singular,
                  const char* many) {
  std::string text = fmt::format(
      "The {} examples with the lowest and with the highest score of every {}; under each its "
      "label, score and key. A framed example was kept.",
      page.options.images_per_group, singular);
  if (shown < all) {
    text += fmt::format(" Only the {} largest of {} {} are shown.", shown,
                        format_count(static_cast<std::int64_t>(all)), many);
  }
  return text;
}

void append_budget_note(Gallery& gallery, const PageState& page) {
  if (gallery.left_out() == 0) return;
  gallery.html().element(
      "p",
      fmt::format("{} left out: the page holds at most {} MiB of images (--image-budget).",
                  plural(gallery.left_out(), "image was", "images were"),
                  page.options.image_budget),
      "note");
}

}  // namespace

Section class_gallery(RunData& run, PageState& page) {
  Section section{.id = page.prefix + "class-examples", .title = "Examples by class", .html = ""};
  if (run.scores.empty() || run.labels.empty() || page.options.images_per_group == 0) {
    return section;
  }
  const std::vector<std::int64_t> labels(run.labels.begin(), run.labels.end());
  const auto all = group_by(labels, run.class_names, "class", run.scores);
  const auto shown = largest_groups(all, static_cast<std::size_t>(page.options.max_groups));
  const auto kept = run.kept_mask();
  Gallery gallery(run, page);
  gallery.html().element("p", intro(page, shown.size(), all.size(), "class", "classes"));
  for (const auto& group : shown) gallery.append_group(group, kept_facts(group, kept));
  append_budget_note(gallery, page);
  section.html = gallery.html().str();
  return section;
}

Section cluster_gallery(RunData& run, PageState& page) {
  Section section{
      .id = page.prefix + "cluster-examples", .title = "Examples by cluster", .html = ""};
  if (run.scores.empty() || run.assignment.empty() || page.options.images_per_group == 0) {
    return section;
  }
  const auto all = group_by(run.assignment, {}, "Cluster", run.scores);
  const auto shown = largest_groups(all, static_cast<std::size_t>(page.options.max_groups));
  const auto kept = run.kept_mask();
  Gallery gallery(run, page);
  gallery.html().element("p", intro(page, shown.size(), all.size(), "cluster", "clusters"));
  append_data(gallery.html(), cluster_table(all, run, kept));
  for (const auto& group : shown) {
    std::string facts = kept_facts(group, kept);
    if (!run.labels.empty()) facts += ", most common class " + main_class(group, run);
    gallery.append_group(group, facts);
  }
  append_budget_note(gallery, page);
  section.html = gallery.html().str();
  return section;
}

}  // namespace winnow::report
