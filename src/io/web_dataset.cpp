#include "io/web_dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "io/label_file.hpp"
#include "io/ordered_blocks.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/run.hpp"

namespace winnow::io {

namespace {

constexpr std::int64_t none = -1;
constexpr std::int64_t labels_per_block = 1024;

/// Members of one key, before it is known whether they are an example.
struct Group {
  WebExample example{};
  std::int64_t label = none;  // the .cls or, without one, the .json
  std::int64_t second_image = none;
  std::int64_t second_label = none;
  std::int64_t other_image = none;
};

struct Groups {
  std::vector<Group> all;
  bool any_cls = false;
  bool any_json = false;  // beside an image
  bool any_folder = false;
};

void add_member(Group& group, std::int64_t member, const TarIndex& index) {
  const auto role = [&](std::int64_t i) { return index.members[static_cast<std::size_t>(i)].role; };
  switch (role(member)) {
    case FileRole::image:
      (group.example.image == none ? group.example.image : group.second_image) = member;
      break;
    case FileRole::label:
      if (group.label == none || role(group.label) == FileRole::json) {
        group.label = member;
        group.second_label = none;
      } else {
        group.second_label = member;
      }
      break;
    case FileRole::json:
      if (group.label == none) {
        group.label = member;
      } else if (role(group.label) == FileRole::json) {
        group.second_label = member;
      }
      break;
    case FileRole::other_image:
      group.other_image = member;
      break;
    case FileRole::other:
      break;
  }
}

void group_members(std::int32_t shard, const TarIndex& index, Groups& groups) {
  const std::int64_t n = index.paths.size();
  for (std::int64_t begin = 0, end = 0; begin < n; begin = end) {
    const std::string_view key = web_key(index.paths[begin]);
    Group group{.example = {shard, begin, begin, none}};
    for (end = begin; end < n && web_key(index.paths[end]) == key; ++end) {
      add_member(group, end, index);
    }
    group.example.end = end;
    const bool image = group.example.image != none;
    if (group.label != none) {
      const FileRole role = index.members[static_cast<std::size_t>(group.label)].role;
      groups.any_cls |= role == FileRole::label;
      groups.any_json |= image && role == FileRole::json;
    }
    groups.any_folder |= image && key.find('/') != std::string_view::npos;
    groups.all.push_back(group);
  }
}

/// What a label member says.
struct LabelText {
  enum class Kind { missing, found, damaged } kind = Kind::missing;
  std::string text;  // the label, or what is wrong
};

LabelText parse_cls(std::span<const std::byte> bytes) {
  constexpr std::size_t longest = 64;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
  std::string text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), longest));
  const char* space = " \t\r\n";
  text.erase(0, text.find_first_not_of(space));
  text.erase(text.find_last_not_of(space) + 1);
  if (bytes.size() <= longest && label_kind(text) == LabelKind::integer) {
    return {LabelText::Kind::found, text};
  }
  return {LabelText::Kind::damaged, fmt::format("label is '{}'; expected a whole number", text)};
}

LabelText parse_json(std::span<const std::byte> bytes) {
  // Of the whole file only the two entries that matter are kept.
  const auto keep = [](int depth, Json::parse_event_t event, const Json& parsed) {
    if (event != Json::parse_event_t::key || depth != 1) return true;
    return parsed == "label" || parsed == "cls";
  };
  const auto* text = reinterpret_cast<const char*>(bytes.data());  // NOLINT: bytes to chars
  const Json json = Json::parse(text, text + bytes.size(), keep, false);
  if (json.is_discarded()) return {LabelText::Kind::damaged, "is not valid JSON"};
  if (!json.is_object()) return {};
  const auto found = json.contains("label") ? json.find("label") : json.find("cls");
  if (found == json.end() || found->is_null()) return {};
  if (found->is_string()) return {LabelText::Kind::found, found->get<std::string>()};
  if (found->is_number_integer()) return {LabelText::Kind::found, found->dump()};
  return {LabelText::Kind::damaged,
          fmt::format("label is {}; expected a whole number or a text",
                      found->dump(-1, ' ', false, Json::error_handler_t::replace))};
}

LabelText read_label(const TarShard& shard, const Group& group) {
  if (group.label == none) return {};
  return shard.file.intact([&] {
    const auto bytes = shard.bytes(group.label);
    const auto role = shard.index.members[static_cast<std::size_t>(group.label)].role;
    return role == FileRole::label ? parse_cls(bytes) : parse_json(bytes);
  });
}

std::vector<LabelText> read_labels_of(const std::vector<TarShard>& shards, const Groups& groups,
                                      Progress& progress) {
  const auto n = static_cast<std::int64_t>(groups.all.size());
  std::vector<LabelText> texts(groups.all.size());
  ordered_blocks((n + labels_per_block - 1) / labels_per_block, progress, [&](std::int64_t block) {
    const std::int64_t end = std::min(n, (block + 1) * labels_per_block);
    for (auto i = static_cast<std::size_t>(block * labels_per_block);
         i < static_cast<std::size_t>(end); ++i) {
      const Group& group = groups.all[i];
      texts[i] = read_label(shards[static_cast<std::size_t>(group.example.shard)], group);
    }
    return true;
  });
  return texts;
}

/// @throws BadFile unless the group is an example, or no image and no label. Returns which.
bool check_group(const TarShard& shard, const Group& group, const LabelText& label, bool labelled) {
  const auto fail = [&](std::int64_t member, const std::string& found) {
    throw BadFile(fmt::format("{}: {}", shard.name(member), found));
  };
  const auto same_key = [&](std::int64_t member, const char* what) {
    return fmt::format("{} of one example, after {}; expected one for each basename", what,
                       shard.index.paths[member]);
  };
  const std::int64_t image = group.example.image;
  if (group.other_image != none) throw_other_image(shard.name(group.other_image));
  if (group.second_image != none) fail(group.second_image, same_key(image, "a second image"));
  if (!labelled) return image != none;
  if (group.second_label != none) fail(group.second_label, same_key(group.label, "a second label"));
  if (image == none) {
    if (label.kind == LabelText::Kind::missing) return false;
    const bool cls =
        shard.index.members[static_cast<std::size_t>(group.label)].role == FileRole::label;
    if (!cls && label.kind == LabelText::Kind::damaged) return false;
    fail(group.label,
         "a label without an image beside it; members of one basename must follow one another");
  }
  if (label.kind == LabelText::Kind::damaged) fail(group.label, label.text);
  if (label.kind == LabelText::Kind::missing) {
    fail(image,
         "an image without a label, although others have one; expected a .cls or .json "
         "(\"label\" or \"cls\") of its basename beside it");
  }
  return true;
}

/// Sorting hashes finds what comes twice with 16 bytes an example.
void require_unique_keys(const std::vector<TarShard>& shards,
                         const std::vector<WebExample>& examples) {
  const auto path = [&](std::size_t i) {
    const WebExample& example = examples[i];
    return shards[static_cast<std::size_t>(example.shard)].index.paths[example.image];
  };
  std::vector<std::pair<std::size_t, std::size_t>> hashed;
  hashed.reserve(examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    hashed.emplace_back(std::hash<std::string_view>{}(web_key(path(i))), i);
  }
  std::sort(hashed.begin(), hashed.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int order = web_key(path(a.second)).compare(web_key(path(b.second)));
    return order != 0 ? order < 0 : a.second < b.second;
  });
  std::size_t first = examples.size();
  std::size_t second = examples.size();
  for (std::size_t i = 1; i < hashed.size(); ++i) {
    if (hashed[i].first != hashed[i - 1].first || hashed[i].second >= second) continue;
    if (web_key(path(hashed[i].second)) != web_key(path(hashed[i - 1].second))) continue;
    first = hashed[i - 1].second;
    second = hashed[i].second;
  }
  if (second == examples.size()) return;
  const auto name = [&](std::size_t i) {
    return shards[static_cast<std::size_t>(examples[i].shard)].name(examples[i].image);
  };
  throw BadFile(
      fmt::format("{}: key '{}' again, which {} has already; expected a key of its own "
                  "for each example, over all shards",
                  name(second), web_key(path(second)), name(first)));
}

}  // namespace

std::span<const std::byte> TarShard::bytes(std::int64_t member) const {
  const TarMember& found = index.members[static_cast<std::size_t>(member)];
  return file.bytes().subspan(found.offset, found.size);
}

std::string_view web_key(std::string_view path) {
  return path.substr(0, path.find('.', path.rfind('/') + 1));
}

std::optional<WebDataset> find_web_dataset(const std::vector<TarShard>& shards,
                                           Progress& progress) {
  Groups groups;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    group_members(static_cast<std::int32_t>(i), shards[i].index, groups);
  }
  if (!groups.any_cls && !groups.any_json) return {};
  const std::vector<LabelText> texts = read_labels_of(shards, groups, progress);
  const bool labelled = groups.any_cls || std::any_of(texts.begin(), texts.end(), [](auto& label) {
                          return label.kind == LabelText::Kind::found;
                        });
  if (!labelled && groups.any_folder) return {};

  WebDataset found;
  std::vector<std::string> labels;
  std::vector<const Group*> owners;
  for (std::size_t i = 0; i < groups.all.size(); ++i) {
    const Group& group = groups.all[i];
    const TarShard& shard = shards[static_cast<std::size_t>(group.example.shard)];
    if (!check_group(shard, group, texts[i], labelled)) {
      for (std::int64_t member = group.example.begin; member < group.example.end; ++member) {
        found.others.add(shard.index.paths[member]);
      }
      continue;
    }
    found.examples.push_back(group.example);
    if (!labelled) continue;
    labels.push_back(texts[i].text);
    owners.push_back(&group);
  }
  require_unique_keys(shards, found.examples);
  if (labels.empty()) return found;
  found.labels = index_labels(labels, {}, [&](std::size_t i) {
    return shards[static_cast<std::size_t>(owners[i]->example.shard)].name(owners[i]->label);
  });
  return found;
}

}  // namespace winnow::io
