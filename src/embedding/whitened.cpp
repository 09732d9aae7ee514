#include "embedding/whitened.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "embedding/projection.hpp"

namespace winnow::embedding {

namespace {

class Whitened final : public Encoder {
 public:
  Whitened(std::unique_ptr<Encoder> encoder, Projection projection)
      : encoder_(std::move(encoder)), projection_(std::move(projection)) {}

  std::int64_t dimensions() const override { return projection_.directions.rows(); }
  std::int64_t group_size() const override { return encoder_->group_size(); }
  Json details() const override { return encoder_->details(); }

 private:
  void encode_range(const io::Dataset& dataset, std::int64_t begin, MatrixView<float> out,
                    Progress& progress) const override {
    const std::int64_t block = groups_at_a_time * group_size();
    for (std::int64_t row = 0; row < out.rows(); row += block) {
      const std::int64_t count = std::min(block, out.rows() - row);
      Matrix<float> rows(count, encoder_->dimensions());
      encoder_->encode(dataset, begin + row, rows, progress);
      projection_.apply(rows, out.block(row, count));
    }
  }

  static constexpr std::int64_t groups_at_a_time = 8;

  std::unique_ptr<Encoder> encoder_;
  Projection projection_;
};

}  // namespace

std::unique_ptr<Encoder> fit_whitened(std::unique_ptr<Encoder> encoder, const io::Dataset& dataset,
                                      const EncoderOptions& options, Progress& progress) {
  const std::int64_t group = encoder->group_size();
  const std::int64_t groups = (dataset.size() + group - 1) / group;
  const std::int64_t wanted = std::min(groups, (options.fit_images + group - 1) / group);
  std::vector<std::int64_t> chosen =
      RandomStream(options.seed, "whitening-groups").sample(groups, wanted);
  std::ranges::sort(chosen);
  const auto length = [&](std::int64_t g) { return std::min(group, dataset.size() - g * group); };
  std::int64_t n = 0;
  for (const auto g : chosen) n += length(g);
  Matrix<float> rows(n, encoder->dimensions());
  progress.stage("encode for whitening", n, "images");
  std::int64_t row = 0;
  for (const auto g : chosen) {
    encoder->encode(dataset, g * group, rows.view().block(row, length(g)), progress);
    row += length(g);
  }
  Projection projection = fit_projection(rows, std::min({options.dimensions, rows.cols(), n}),
                                         options.whitening(), progress);
  progress.done(fmt::format("{} of {} numbers kept", projection.directions.rows(), rows.cols()));
  return std::make_unique<Whitened>(std::move(encoder), std::move(projection));
}

}  // namespace winnow::embedding
