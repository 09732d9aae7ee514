#include "winnow/train/network_encoder.hpp"

#include <fmt/format.h>

#include "train/plugin.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

Matrix<float> NetworkEncoder::encode(const ImageBatch& images, NetworkFeatures features,
                                     Progress& progress) const {
  const io::ImageShape expected = shape();
  if (images.shape != expected) {
    throw InvalidArgument(fmt::format(
        "images of {} x {} with {} channels; expected {} x {} with {}, which the {} learned from; "
        "give --image-size {}",
        images.shape.height, images.shape.width, images.shape.channels, expected.height,
        expected.width, expected.channels, model(), expected.height));
  }
  if (images.size() == 0) return {};
  return run(images, features, thread_count(), progress);
}

std::unique_ptr<NetworkEncoder> load_network_encoder(const std::filesystem::path& file,
                                                     Device device) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw BadFile(
        fmt::format("{}: no such file; expected the weights of a network that winnow "
                    "trained",
                    file.string()));
  }
  void* load = plugin_symbol(torch_plugin, "winnow_plugin_network_encoder",
                             "networks need LibTorch", "take --encoder patch-kmeans");
  return std::unique_ptr<NetworkEncoder>(
      reinterpret_cast<PluginNetworkEncoderFunction*>(load)(file, device));
}

}  // namespace winnow::train
