#include "winnow/train/script_encoder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

#include "train/plugin.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

PerChannel PerChannel::parse(std::string_view field, std::string_view text) {
  PerChannel channels;
  const char* next = text.data();
  const char* end = next + text.size();
  for (std::size_t i = 0; i < channels.values.size(); ++i) {
    const auto [stop, code] = std::from_chars(next, end, channels.values[i]);
    const bool last = i + 1 == channels.values.size();
    const bool separated = last ? stop == end : stop != end && *stop == ',';
    if (code != std::errc{} || !separated || !std::isfinite(channels.values[i])) {
      throw InvalidArgument(fmt::format(
          "{} = '{}'; expected three numbers R,G,B, such as 0.485,0.456,0.406", field, text));
    }
    next = last ? stop : stop + 1;
  }
  return channels;
}

std::string PerChannel::text() const { return fmt::format("{}", fmt::join(values, ",")); }

void ScriptOptions::validate() const {
  validate_fields(*this);
  for (const double value : std.values) {
    if (value <= 0.0) {
      throw InvalidArgument(fmt::format("std = {}; expected numbers above 0", std.text()));
    }
  }
}

Matrix<float> ScriptEncoder::encode(const ImageBatch& images, Progress& progress) const {
  const io::ImageShape& shape = images.shape;
  if (shape.channels != 1 && shape.channels != 3) {
    throw InvalidArgument(
        fmt::format("{}: images of {} channels; a TorchScript encoder gets 3, or 1 repeated",
                    file_.string(), shape.channels));
  }
  const std::int64_t n = images.size();
  if (shape.size() == 0 || n * shape.size() != static_cast<std::int64_t>(images.pixels.size())) {
    throw InvalidArgument(fmt::format("{} bytes of pixels; expected a multiple of {} x {} x {}",
                                      images.pixels.size(), shape.height, shape.width,
                                      shape.channels));
  }
  if (n > options_.batch_size) {
    throw InvalidArgument(
        fmt::format("{} images at once; expected at most batch-size = {}", n, options_.batch_size));
  }
  if (n == 0) return {};
  return run({images, thread_count()}, progress);
}

std::unique_ptr<ScriptEncoder> load_script_encoder(const std::filesystem::path& file,
                                                   const ScriptOptions& options) {
  options.validate();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw BadFile(fmt::format("{}: no such file; expected a TorchScript encoder", file.string()));
  }
  void* load = plugin_symbol(
      torch_plugin, "winnow_plugin_script_encoder", "TorchScript encoders need LibTorch",
      "take --encoder patch-kmeans, or write embeddings of your own as .npy");
  return std::unique_ptr<ScriptEncoder>(
      reinterpret_cast<PluginScriptEncoderFunction*>(load)(file, options));
}

}  // namespace winnow::train
