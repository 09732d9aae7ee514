#include "winnow/embedding/encoder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "embedding/learned.hpp"
#include "embedding/patch_kmeans.hpp"
#include "embedding/pixels.hpp"
#include "embedding/script.hpp"
#include "embedding/whitened.hpp"
#include "winnow/core/error.hpp"

namespace winnow::embedding {

namespace fs = std::filesystem;

EncoderChoice EncoderChoice::parse(std::string_view field, std::string_view text) {
  std::vector<std::string> names;
  for (const auto& entry : EnumNames<EncoderKind>::values) {
    if (EncoderChoice(entry.value).is_file()) continue;  // named by its file
    if (text == entry.name) return entry.value;
    names.emplace_back(entry.name);
  }
  std::error_code ignored;
  if (text.find_first_of("./") != std::string_view::npos || fs::exists(text, ignored)) {
    return EncoderChoice(fs::path(text));
  }
  names.emplace_back("FILE.ts");
  names.emplace_back("FILE.safetensors");
  throw_unknown_choice(field, text, names);
}

std::string EncoderChoice::text() const { return is_file() ? file.string() : enum_name(kind); }

void EncoderOptions::validate() const {
  validate_fields(*this);
  script.validate();
  learning.validate();
  std::error_code ignored;
  if (encoder.is_file() && !fs::is_regular_file(encoder.file, ignored)) {
    const bool script_file = encoder.kind == EncoderKind::torchscript;
    throw BadFile(fmt::format("{}: no such file; expected {}", encoder.file.string(),
                              script_file ? "a TorchScript encoder" : "a network's weights"));
  }
}

double EncoderOptions::whitening() const {
  constexpr double of_networks = 0.1;
  if (whiten >= 0.0) return whiten;
  return encoder.is_learned() || encoder.kind == EncoderKind::network ? of_networks : 0.0;
}

std::int64_t EncoderChoice::default_image_size() const {
  return kind == EncoderKind::torchscript ? 224 : 0;
}

void Encoder::encode(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
                     Progress& progress) const {
  if (begin < 0 || begin + out.rows() > dataset.size() || out.cols() != dimensions()) {
    throw InvalidArgument(fmt::format("{}: rows [{}, {}) of {} numbers; expected some of {} of {}",
                                      dataset.name(), begin, begin + out.rows(), out.cols(),
                                      dataset.size(), dimensions()));
  }
  encode_range(dataset, begin, out, progress);
}

Matrix<float> Encoder::encode(const io::Dataset& dataset, Progress& progress) const {
  Matrix<float> rows(dataset.size(), dimensions());
  progress.stage("encode", dataset.size(), "examples");
  encode(dataset, 0, rows, progress);
  progress.done("");
  return rows;
}

namespace {

std::unique_ptr<Encoder> fit_network(const io::Dataset& dataset, const EncoderOptions& options,
                                     Progress& progress, const FitContext& context) {
  switch (options.encoder.kind) {
    case EncoderKind::torchscript:
      return load_script(dataset, options, progress);
    case EncoderKind::network:
      return load_network(dataset, options, progress);
    default:
      return fit_learned(dataset, options, context, progress);
  }
}

}  // namespace

std::unique_ptr<Encoder> fit_encoder(const io::Dataset& dataset, const EncoderOptions& options,
                                     Progress& progress, const FitContext& context) {
  options.validate();
  const EncoderKind kind = options.encoder.kind;
  if (kind == EncoderKind::pixels) return fit_pixels(dataset, progress);
  if (!dataset.has_images()) {
    throw InvalidArgument(
        fmt::format("{}: encoder {} needs images; give --encoder pixels to use the vectors as they "
                    "are",
                    dataset.name(), options.encoder.text()));
  }
  if (kind == EncoderKind::patch_kmeans) return fit_patch_kmeans(dataset, options, progress);
  auto encoder = fit_network(dataset, options, progress, context);
  if (options.whitening() == 0.0) return encoder;
  return fit_whitened(std::move(encoder), dataset, options, progress);
}

}  // namespace winnow::embedding
