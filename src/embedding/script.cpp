#include "embedding/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::embedding {

namespace {

/// Enough to see what a module gives.
constexpr std::int64_t tried_images = 8;

std::string content_hash(const std::filesystem::path& file) {
  const MappedFile content(file);
  return content.intact([&] {
    Hasher hasher;
    hasher.add(content.bytes().data(), content.bytes().size());
    return hash_text(hasher.digest());
  });
}

class Script final : public Encoder {
 public:
  Script(std::unique_ptr<train::ScriptEncoder> script, const io::Dataset& dataset,
         Progress& progress)
      : script_(std::move(script)), hash_(content_hash(script_->file())) {
    const std::int64_t count = std::min({tried_images, dataset.size(), group_size()});
    const Matrix<float> rows = embed(dataset, 0, count, progress);
    dimensions_ = rows.cols();
    const Matrix<float> again = embed(dataset, 0, count, progress);
    const auto bytes = static_cast<std::size_t>(rows.size()) * sizeof(float);
    if (rows.size() != again.size() || std::memcmp(rows.data(), again.data(), bytes) != 0) {
      throw BadFile(fmt::format(
          "{}: the encoder gives other numbers for the same images; was it traced in training "
          "mode? call model.eval() before torch.jit.trace",
          script_->file().string()));
    }
  }

  std::int64_t dimensions() const override { return dimensions_; }
  std::int64_t group_size() const override { return script_->options().batch_size; }
  Json details() const override {
    return {{"encoder_file", script_->file().string()},
            {"encoder_hash", hash_},
            {"backend", script_->backend()}};
  }

 private:
  void encode_range(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
                    Progress& progress) const override {
    for (std::int64_t row = 0; row < out.rows(); row += group_size()) {
      const std::int64_t count = std::min(group_size(), out.rows() - row);
      const Matrix<float> rows = embed(dataset, begin + row, count, progress);
      if (rows.cols() != dimensions_) {
        throw BadFile(
            fmt::format("{}: the encoder gives {} numbers for the images from row {} and {} for "
                        "the first; expected one length",
                        script_->file().string(), rows.cols(), begin + row, dimensions_));
      }
      std::copy_n(rows.data(), rows.size(), out.row(row).data());
      progress.advance(count);
    }
  }

  /// Embeddings of `count` examples, finite.
  Matrix<float> embed(const io::Dataset& dataset, std::int64_t begin, std::int64_t count,
                      Progress& progress) const {
    const io::ImageShape shape = dataset.image_shape();
    std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
    std::iota(ids.begin(), ids.end(), begin);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * shape.size()));
    dataset.read_images(ids, pixels);
    Matrix<float> rows = script_->encode({pixels, shape}, progress);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto row = rows.row(i);
      const auto bad = std::ranges::find_if(row, [](float value) { return !std::isfinite(value); });
      if (bad == row.end()) continue;
      throw NonFiniteInput(fmt::format(
          "{}: the embedding of {} row {} ({}) has {} in column {}; expected finite values; look "
          "at that image, or whether the encoder was trained and exported well",
          script_->file().string(), dataset.name(), begin + i, dataset.key(begin + i), *bad,
          bad - row.begin()));
    }
    return rows;
  }

  std::unique_ptr<train::ScriptEncoder> script_;
  std::string hash_;
  std::int64_t dimensions_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> load_script(const io::Dataset& dataset, const EncoderOptions& options,
                                     Progress& progress) {
  progress.stage("load encoder", 0, "");
  auto script = train::load_script_encoder(options.encoder.file, options.script);
  const std::string backend = script->backend();
  auto encoder = std::make_unique<Script>(std::move(script), dataset, progress);
  progress.done(fmt::format("{} numbers, {}", encoder->dimensions(), backend));
  return encoder;
}

}  // namespace winnow::embedding
