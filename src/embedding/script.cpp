#include "embedding/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "embedding/file_encoder.hpp"
#include "winnow/core/error.hpp"

namespace winnow::embedding {

namespace {

/// Enough to see what a module gives.
constexpr std::int64_t tried_images = 8;

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
    const auto pixels = read_range(dataset, begin, count);
    Matrix<float> rows = script_->encode({pixels, dataset.image_shape()}, progress);
    require_finite_rows(rows, dataset, begin, script_->file().string());
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
