#include "train/torch/weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "train/torch/parameters.hpp"
#include "winnow/core/error.hpp"
#include "winnow/io/safetensors.hpp"

namespace winnow::train {

namespace fs = std::filesystem;

namespace {

constexpr const char* description_key = "winnow";
constexpr const char* progress_key = "winnow-checkpoint";

/// Row-major float32 in memory.
at::Tensor plain(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, at::kFloat).contiguous(at::MemoryFormat::Contiguous);
}

io::TensorView view_of(std::string name, const at::Tensor& tensor) {
  io::TensorView view;
  view.name = std::move(name);
  view.shape = tensor.sizes().vec();
  view.bytes =
      std::as_bytes(std::span(tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())));
  return view;
}

using Named = std::vector<std::pair<std::string, at::Tensor>>;

void write_tensors(const fs::path& path, const Named& named, const io::TensorMetadata& metadata) {
  std::vector<at::Tensor> kept;
  std::vector<io::TensorView> views;
  for (const auto& [name, tensor] : named) {
    kept.push_back(plain(tensor));
    views.push_back(view_of(name, kept.back()));
  }
  io::write_safetensors(path, views, metadata);
}

/// The state's arrays under torchvision's names.
Named named_state(const Network& network, const State& state) {
  Named named;
  for (std::size_t i = 0; i < state.parameters.size(); ++i) {
    named.emplace_back(network.parameters()[i].name, state.parameters[i]);
  }
  for (std::size_t i = 0; i < state.moments.size(); ++i) {
    const std::string& name = network.norms()[i].name;
    named.emplace_back(name + ".running_mean", state.moments[i].select(0, 0));
    named.emplace_back(name + ".running_var", state.moments[i].select(0, 1));
  }
  return named;
}

/// Older torchvision called the two layers of a transformer's MLP otherwise.
std::string older_name(std::string name) {
  for (const auto& [now, before] :
       {std::pair{".mlp.0.", ".mlp.linear_1."}, std::pair{".mlp.3.", ".mlp.linear_2."}}) {
    if (const auto at = name.find(now); at != std::string::npos) {
      name.replace(at, std::string_view(now).size(), before);
    }
  }
  return name;
}

void copy_values(const io::SafetensorsFile& file, const io::TensorView& source,
                 const at::Tensor& target) {
  const std::vector<float> values = file.read(source);
  at::Tensor tensor = at::empty(source.shape, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  target.copy_(tensor);
}

bool belongs_to_head(const Network& network, const std::string& name) {
  const auto& parameters = network.parameters();
  return name == parameters[parameters.size() - 2].name || name == parameters.back().name;
}

Json parsed(const fs::path& path, const io::SafetensorsFile& file, const char* key,
            const char* expected) {
  const auto found = file.metadata().find(key);
  Json json = found == file.metadata().end() ? Json() : Json::parse(found->second, nullptr, false);
  if (!json.is_object()) {
    throw BadFile(
        fmt::format("{}: no \"{}\" in its metadata; expected {}", path.string(), key, expected));
  }
  return json;
}

}  // namespace

Json describe_network(const NetworkOptions& options, const io::ImageShape& shape,
                      std::int64_t n_classes, const PixelTable& table) {
  return {{"model", enum_name(options.model)},
          {"stem", enum_name(options.stem)},
          {"patch_size", options.patch_size},
          {"image", {shape.height, shape.width, shape.channels}},
          {"n_classes", n_classes},
          {"mean", table.mean()},
          {"deviation", table.deviation()},
          {"version", version()}};
}

void save_weights(const fs::path& path, const Network& network, const State& state,
                  const Json& description) {
  write_tensors(path, named_state(network, state),
                {{"format", "pt"}, {description_key, dump_json(description)}});
}

std::vector<std::string> load_weights(const fs::path& path, const std::string& model,
                                      const Network& network, State& state) {
  const io::SafetensorsFile file(path);
  std::vector<std::string> warnings;
  std::set<std::string> used;
  for (const auto& [name, target] : named_state(network, state)) {
    const io::TensorView* found = file.find(name);
    if (found == nullptr) found = file.find(older_name(name));
    if (found == nullptr) {
      throw BadFile(fmt::format("{}: no array {}, which {} needs; expected the weights of a {}",
                                path.string(), name, model, model));
    }
    used.insert(found->name);
    if (found->shape == target.sizes().vec()) {
      copy_values(file, *found, target);
    } else if (belongs_to_head(network, name)) {
      warnings.push_back(fmt::format("{}: {} is {}, but {} classes are learned: starts anew",
                                     path.string(), name, found->describe(), target.size(0)));
    } else {
      throw BadFile(fmt::format(
          "{}: {} is {}; expected [{}] for this {}; try another --stem, "
          "--patch-size or --image-size",
          path.string(), name, found->describe(), fmt::join(target.sizes().vec(), ", "), model));
    }
  }
  for (const io::TensorView& tensor : file.tensors()) {
    if (used.contains(tensor.name) || tensor.name.ends_with("num_batches_tracked")) continue;
    throw BadFile(fmt::format("{}: holds {}, which {} has not; name the --model it was made for",
                              path.string(), tensor.name, model));
  }
  file.require_intact();
  return warnings;
}

SavedNetwork load_network(const fs::path& path) {
  const io::SafetensorsFile file(path);
  const Json json = parsed(path, file, description_key,
                           "weights that winnow train wrote (model.safetensors of a run)");
  SavedNetwork saved;
  NetworkOptions options;
  try {
    options.model = parse_enum<NetworkModel>("model", json.at("model").get<std::string>());
    options.stem = parse_enum<Stem>("stem", json.at("stem").get<std::string>());
    options.patch_size = json.at("patch_size");
    saved.shape = {json.at("image").at(0), json.at("image").at(1), json.at("image").at(2)};
    saved.n_classes = json.at("n_classes");
    saved.mean = json.at("mean").get<std::vector<double>>();
    saved.deviation = json.at("deviation").get<std::vector<double>>();
    const auto channels = static_cast<std::size_t>(saved.shape.channels);
    const bool sound = saved.n_classes >= 1 && saved.n_classes <= 1'000'000 &&
                       saved.shape.channels >= 1 && saved.shape.channels <= 1024 &&
                       saved.shape.height >= 1 && saved.shape.height <= 4096 &&
                       saved.shape.width >= 1 && saved.shape.width <= 4096 &&
                       saved.mean.size() == channels && saved.deviation.size() == channels;
    if (!sound) throw InvalidArgument("numbers out of range");
    options = resolve(options, saved.shape, 2);
  } catch (const std::exception& error) {
    throw BadFile(
        fmt::format("{}: \"{}\" in its metadata does not describe a network ({}); write "
                    "it anew with winnow train",
                    path.string(), description_key, error.what()));
  }
  saved.options = options;
  saved.network = make_network(options, saved.shape, saved.n_classes);
  for (const Parameter& parameter : saved.network->parameters()) {
    saved.state.parameters.push_back(at::zeros(parameter.sizes));
  }
  for (const NormName& norm : saved.network->norms()) {
    saved.state.moments.push_back(at::zeros({2, norm.channels}));
  }
  const auto warnings = load_weights(path, enum_name(options.model), *saved.network, saved.state);
  if (!warnings.empty()) throw BadFile(warnings.front());
  return saved;
}

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  write_tensors(path, checkpoint.tensors, {{progress_key, dump_json(checkpoint.progress)}});
}

void load_checkpoint(const fs::path& path, Checkpoint& checkpoint, std::string_view differing,
                     const std::function<void(const Json& progress)>& take) {
  const io::SafetensorsFile file(path);
  const Json wanted = std::move(checkpoint.progress);
  checkpoint.progress = parsed(path, file, progress_key, "a checkpoint of winnow");
  const Json& found = checkpoint.progress;
  try {
    if (found.at("identity") != wanted.at("identity") ||
        found.at("options") != wanted.at("options")) {
      throw InvalidArgument(
          fmt::format("{}: a checkpoint of another training ({} differ); repeat its options, or "
                      "start anew with --force",
                      path.string(), differing));
    }
    for (auto& [name, tensor] : checkpoint.tensors) {
      const io::TensorView& array = file.at(name);
      if (array.shape != tensor.sizes().vec()) {
        throw BadFile(fmt::format("{}: {} is {}; expected [{}]; remove the file to start anew",
                                  path.string(), name, array.describe(),
                                  fmt::join(tensor.sizes().vec(), ", ")));
      }
      copy_values(file, array, tensor);
    }
    file.require_intact();
    take(found);
  } catch (const Json::exception& error) {
    throw BadFile(path.string() + ": " + error.what() + "; remove the file to start anew");
  }
}

}  // namespace winnow::train
