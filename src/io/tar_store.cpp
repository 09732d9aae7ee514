#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "io/folder_layout.hpp"
#include "io/image_names.hpp"
#include "io/image_store.hpp"
#include "io/ordered_blocks.hpp"
#include "io/path_table.hpp"
#include "io/web_dataset.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

namespace {

/// A member of one of the shards.
struct MemberId {
  std::uint32_t shard = 0;
  std::uint32_t member = 0;
};

/// `size` bytes at `offset` of a shard.
struct Place {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Images in mapped tars.
class TarStore : public ImageStore {
 public:
  /// Takes the members of `shards` that are the dataset, in its order, and forgets the others.
  TarStore(std::vector<TarShard>& shards, const std::vector<MemberId>& ids) {
    std::size_t characters = 0;
    for (const MemberId& id : ids) characters += path_of(shards, id).size();
    paths_.reserve(static_cast<std::int64_t>(ids.size()), characters);
    places_.reserve(ids.size());
    shard_of_.reserve(ids.size());
    for (const MemberId& id : ids) {
      const TarMember& member = shards[id.shard].index.members[id.member];
      paths_.add(path_of(shards, id));
      places_.push_back({member.offset, member.size});
      shard_of_.push_back(id.shard);
    }
    for (auto& shard : shards) files_.push_back(std::move(shard.file));
  }

  static std::string_view path_of(const std::vector<TarShard>& shards, const MemberId& id) {
    return shards[id.shard].index.paths[id.member];
  }

  std::int64_t size() const override { return paths_.size(); }
  std::string key(std::int64_t index) const override { return std::string(paths_[index]); }
  std::string name(std::int64_t index) const override {
    return member_name(shard_of(index).path().string(), paths_[index]);
  }
  void visit(std::int64_t index,
             const std::function<void(std::span<const std::byte>)>& use) const override {
    const MappedFile& file = shard_of(index);
    const Place& place = places_[static_cast<std::size_t>(index)];
    file.intact([&] { use(file.bytes().subspan(place.offset, place.size)); });
  }

 protected:
  const MappedFile& shard_of(std::int64_t index) const {
    return files_[shard_of_[static_cast<std::size_t>(index)]];
  }
  std::string_view path(std::int64_t index) const { return paths_[index]; }

 private:
  std::vector<MappedFile> files_;
  PathTable paths_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> shard_of_;
};

std::vector<MemberId> image_ids(const std::vector<WebExample>& examples) {
  std::vector<MemberId> ids;
  ids.reserve(examples.size());
  for (const auto& example : examples) {
    ids.push_back(
        {static_cast<std::uint32_t>(example.shard), static_cast<std::uint32_t>(example.image)});
  }
  return ids;
}

/// Images of a WebDataset, which know where the rest of their example lies.
class WebStore final : public TarStore {
 public:
  WebStore(std::vector<TarShard>& shards, const std::vector<WebExample>& examples)
      : TarStore(shards, image_ids(examples)) {
    pieces_.reserve(examples.size());
    for (const auto& example : examples) {
      const TarIndex& index = shards[static_cast<std::size_t>(example.shard)].index;
      const auto header = [&](std::int64_t member) {
        return member == index.paths.size()
                   ? index.end
                   : index.members[static_cast<std::size_t>(member)].header;
      };
      const std::uint64_t begin = header(example.begin);
      pieces_.push_back({begin, header(example.end) - begin});
    }
  }

  std::string key(std::int64_t index) const override { return std::string(web_key(path(index))); }

  std::vector<ExampleFile> files(std::int64_t index) const override {
    const MappedFile& file = shard_of(index);
    return file.intact([&] {
      const Place& place = pieces_[static_cast<std::size_t>(index)];
      const auto piece = file.bytes().subspan(place.offset, place.size);
      const TarIndex members = index_tar_piece(piece, file.path().string());
      std::vector<ExampleFile> found;
      for (std::int64_t i = 0; i < members.paths.size(); ++i) {
        const TarMember& member = members.members[static_cast<std::size_t>(i)];
        const auto bytes = piece.subspan(member.offset, member.size);
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes to chars
        const auto* text = reinterpret_cast<const char*>(bytes.data());
        found.push_back({std::string(members.paths[i]), std::string(text, bytes.size())});
      }
      return found;
    });
  }

 private:
  std::vector<Place> pieces_;
};

/// The shards of a tree in ImageFolder layout.
class TarTree {
 public:
  explicit TarTree(std::vector<TarShard> shards) : shards_(std::move(shards)) {
    for (const auto& shard : shards_) {
      for (const auto& folder : shard.index.folders) add_folder(folder);
      std::string_view last;
      for (std::int64_t i = 0; i < shard.index.paths.size(); ++i) {
        const std::string_view path = shard.index.paths[i];
        const std::string_view folder = path.substr(0, path.rfind('/') + 1);
        if (folder.empty() || folder == last) continue;
        add_folder(folder.substr(0, folder.size() - 1));
        last = folder;
      }
    }
  }

  ImageListing list(const DatasetSpec& spec, Progress& progress) {
    layout_ = find_layout(spec, folders_in(""), [&](const auto& top) { return folders_in(top); });
    take_images();
    sort_images();
    FolderLabels labels = label_by_folders(
        layout_, {static_cast<std::int64_t>(ids_.size()),
                  [&](std::int64_t i) { return path(ids_[static_cast<std::size_t>(i)]); },
                  [&](std::string_view path) { return name_of(path); }});
    others_.tell(spec.text, progress);
    return {std::make_unique<TarStore>(shards_, ids_),
            layout_.split,
            std::move(labels.values),
            std::move(labels.class_names),
            {}};
  }

 private:
  std::string_view path(const MemberId& id) const { return TarStore::path_of(shards_, id); }

  std::string name(const MemberId& id) const { return shards_[id.shard].name(id.member); }

  /// Of a file or folder, for messages.
  std::string name_of(std::string_view path) const {
    for (const MemberId& id : ids_) {
      if (this->path(id) == path) return name(id);
    }
    const std::string shard = shards_[0].file.path().string();
    if (path.empty()) return shard;
    return shards_.size() == 1 ? member_name(shard, path) : fmt::format("{} ...: {}", shard, path);
  }

  /// Classes lie no deeper than two folders.
  void add_folder(std::string_view folder) {
    const std::size_t first = folder.find('/');
    folders_.emplace(folder.substr(0, first));
    if (first == std::string_view::npos) return;
    folders_.emplace(folder.substr(0, folder.find('/', first + 1)));
  }

  std::vector<std::string> folders_in(const std::string& top) const {
    const std::string prefix = top.empty() ? "" : top + "/";
    std::vector<std::string> names;
    for (const auto& folder : folders_) {
      if (folder.size() <= prefix.size() || !folder.starts_with(prefix)) continue;
      const std::string rest = folder.substr(prefix.size());
      if (rest.find('/') == std::string::npos) names.push_back(rest);
    }
    return names;
  }

  void take_images() {
    const std::string prefix = layout_.folder.empty() ? "" : layout_.folder + "/";
    for (std::uint32_t s = 0; s < shards_.size(); ++s) {
      const TarIndex& index = shards_[s].index;
      for (std::uint32_t m = 0; m < index.members.size(); ++m) {
        const MemberId id{s, m};
        const FileRole role = index.members[m].role;
        const bool image = role == FileRole::image || role == FileRole::other_image;
        if (!path(id).starts_with(prefix)) {
          if (image && path(id).find('/') == std::string_view::npos) throw_stray_image(name(id));
          continue;
        }
        if (role == FileRole::other_image) throw_other_image(name(id));
        if (image) {
          ids_.push_back(id);
        } else {
          others_.add(path(id));
        }
      }
    }
  }

  void sort_images() {
    const auto before = [&](const MemberId& a, const MemberId& b) {
      return layout_.before(path(a), path(b));
    };
    // Tars made from a folder mostly are in order already.
    if (!std::is_sorted(ids_.begin(), ids_.end(), before)) {
      std::stable_sort(ids_.begin(), ids_.end(), before);
    }
    const auto twice = std::adjacent_find(
        ids_.begin(), ids_.end(), [&](const auto& a, const auto& b) { return path(a) == path(b); });
    if (twice == ids_.end()) return;
    throw BadFile(twice->shard == (twice + 1)->shard
                      ? fmt::format("{} is there twice; remove one of them", name(*twice))
                      : fmt::format("{} is also in {}; remove one of them", name(*twice),
                                    shards_[(twice + 1)->shard].file.path().string()));
  }

  std::vector<TarShard> shards_;
  std::set<std::string> folders_;
  FolderLayout layout_;
  std::vector<MemberId> ids_;
  PassedOver others_;
};

std::vector<TarShard> index_shards(const std::vector<fs::path>& paths, Progress& progress) {
  std::vector<std::optional<TarShard>> found(paths.size());
  ordered_blocks(static_cast<std::int64_t>(paths.size()), progress, [&](std::int64_t block) {
    const auto i = static_cast<std::size_t>(block);
    MappedFile file(paths[i]);
    TarIndex index = index_tar(file, progress);
    found[i] = TarShard{std::move(file), std::move(index)};
    return true;
  });
  std::vector<TarShard> shards;
  shards.reserve(found.size());
  for (auto& shard : found) shards.push_back(std::move(*shard));
  return shards;
}

ImageListing list_web_dataset(const DatasetSpec& spec, std::vector<TarShard>& shards,
                              WebDataset web, Progress& progress) {
  if (!spec.split.empty()) {
    throw InvalidArgument(fmt::format(
        "{}: WebDataset shards have no splits in them; name the shards of one split", spec.text));
  }
  web.others.tell(spec.text, progress);
  return {std::make_unique<WebStore>(shards, web.examples),
          "",
          std::move(web.labels.values),
          std::move(web.labels.class_names),
          {}};
}

}  // namespace

ImageListing list_tars(const DatasetSpec& spec, const std::vector<fs::path>& shards,
                       Progress& progress) {
  std::vector<TarShard> indexed = index_shards(shards, progress);
  std::optional<WebDataset> web = find_web_dataset(indexed, progress);
  ImageListing listing = web ? list_web_dataset(spec, indexed, std::move(*web), progress)
                             : TarTree(std::move(indexed)).list(spec, progress);
  for (const auto& path : shards) listing.inputs.push_back({path.string(), ""});
  return listing;
}

}  // namespace winnow::io
