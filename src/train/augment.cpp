#include "train/augment.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace winnow::train {

namespace {

constexpr std::array<double, 3> imagenet_mean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> imagenet_deviation = {0.229, 0.224, 0.225};

/// ITU-R 601, as Pillow and torchvision turn colours into grey.
constexpr std::array<float, 3> grey_weights = {0.299F, 0.587F, 0.114F};

constexpr std::int64_t images_at_a_time = 256;

/// Shifted and mirrored bytes, looked up.
void write_shifted(std::span<const std::uint8_t> image, const io::ImageShape& shape,
                   const PixelTable& table, const Placement& placement, std::span<float> out) {
  float* target = out.data();
  for (int row = 0; row < shape.height; ++row) {
    const int from_row = row - placement.down;
    const bool row_inside = from_row >= 0 && from_row < shape.height;
    for (int column = 0; column < shape.width; ++column) {
      const int shown = placement.mirrored ? shape.width - 1 - column : column;
      const int from_column = shown - placement.right;
      const bool inside = row_inside && from_column >= 0 && from_column < shape.width;
      const std::uint8_t* pixel =
          inside ? image.data() + (from_row * shape.width + from_column) * shape.channels : nullptr;
      for (int channel = 0; channel < shape.channels; ++channel) {
        *target++ = table(pixel == nullptr ? std::uint8_t{0} : pixel[channel], channel);
      }
    }
  }
}

/// Where output position `i` of `count` falls in a part [begin, begin + length): the two pixels and
/// the weight of the second.
struct Between {
  int low;
  int high;
  float weight;
};
Between between(int i, int count, int begin, int length) {
  const double at = (i + 0.5) * length / count - 0.5;
  const double inside = std::clamp(at, 0.0, length - 1.0);
  const int low = static_cast<int>(inside);
  return {begin + low, begin + std::min(low + 1, length - 1), static_cast<float>(inside - low)};
}

/// Bytes as floats, the part brought to the size shown or the whole shifted, mirrored.
void resample(std::span<const std::uint8_t> image, const io::ImageShape& shape,
              const Placement& placement, const io::ImageShape& shown, std::span<float> out) {
  const auto pixel = [&](int row, int column, int channel) {
    const bool inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
    if (!inside) return 0.0F;
    const int position = (row * shape.width + column) * shape.channels + channel;
    return static_cast<float>(image[static_cast<std::size_t>(position)]);
  };
  const bool resized = placement.resized();
  std::vector<Between> columns;
  for (int column = 0; column < shown.width; ++column) {
    const int at = placement.mirrored ? shown.width - 1 - column : column;
    columns.push_back(resized ? between(at, shown.width, placement.left, placement.width)
                              : Between{at - placement.right, at - placement.right, 0.0F});
  }
  float* target = out.data();
  for (int row = 0; row < shown.height; ++row) {
    const Between y = resized ? between(row, shown.height, placement.top, placement.height)
                              : Between{row - placement.down, row - placement.down, 0.0F};
    for (const Between& x : columns) {
      for (int channel = 0; channel < shape.channels; ++channel) {
        const float upper =
            std::lerp(pixel(y.low, x.low, channel), pixel(y.low, x.high, channel), x.weight);
        const float lower =
            std::lerp(pixel(y.high, x.low, channel), pixel(y.high, x.high, channel), x.weight);
        *target++ = std::lerp(upper, lower, y.weight);
      }
    }
  }
}

float grey_of(const float* pixel, int channels) {
  if (channels != 3) return pixel[0];
  return grey_weights[0] * pixel[0] + grey_weights[1] * pixel[1] + grey_weights[2] * pixel[2];
}

/// Turns colours about the axis of greys: in YIQ the grey stays and (I, Q) is rotated.
void turn_hue(float turns, std::span<float> values) {
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(turns);
  const auto cosine = static_cast<float>(std::cos(angle));
  const auto sine = static_cast<float>(std::sin(angle));
  for (std::size_t at = 0; at < values.size(); at += 3) {
    float* pixel = &values[at];
    const float grey = grey_of(pixel, 3);
    const float i = 0.596F * pixel[0] - 0.274F * pixel[1] - 0.322F * pixel[2];
    const float q = 0.211F * pixel[0] - 0.523F * pixel[1] + 0.312F * pixel[2];
    const float turned_i = cosine * i - sine * q;
    const float turned_q = sine * i + cosine * q;
    pixel[0] = std::clamp(grey + 0.956F * turned_i + 0.621F * turned_q, 0.0F, 255.0F);
    pixel[1] = std::clamp(grey - 0.272F * turned_i - 0.647F * turned_q, 0.0F, 255.0F);
    pixel[2] = std::clamp(grey - 1.107F * turned_i + 1.704F * turned_q, 0.0F, 255.0F);
  }
}

/// Brightness, contrast, saturation, hue and grey in this order, each kept within 0 .. 255.
void recolour(const Placement& placement, int channels, std::span<float> values) {
  const auto step = static_cast<std::size_t>(channels);
  const auto kept = [](float value) { return std::clamp(value, 0.0F, 255.0F); };
  for (float& value : values) value = kept(value * placement.brightness);
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); i += step) sum += grey_of(&values[i], channels);
  const std::size_t pixels = values.size() / step;
  const auto mean = static_cast<float>(sum / static_cast<double>(pixels));
  for (float& value : values) value = kept(std::lerp(mean, value, placement.contrast));
  if (channels != 3) return;
  for (std::size_t i = 0; i < values.size(); i += step) {
    const float grey = grey_of(&values[i], channels);
    for (std::size_t c = 0; c < step; ++c) {
      values[i + c] = kept(std::lerp(grey, values[i + c], placement.saturation));
    }
  }
  if (placement.hue != 0.0F) turn_hue(placement.hue, values);
  if (!placement.grey) return;
  for (std::size_t i = 0; i < values.size(); i += step) {
    std::ranges::fill(values.subspan(i, step), grey_of(&values[i], channels));
  }
}

void cut_out(const io::ImageShape& shape, const Placement& placement, std::span<float> out) {
  const int top = placement.cut_row - placement.cutout / 2;
  const int left = placement.cut_column - placement.cutout / 2;
  for (int row = std::max(top, 0); row < std::min(top + placement.cutout, shape.height); ++row) {
    const int begin = std::max(left, 0);
    const int end = std::min(left + placement.cutout, shape.width);
    const std::int64_t from = (std::int64_t{row} * shape.width + begin) * shape.channels;
    const std::int64_t count = (std::int64_t{end} - begin) * shape.channels;
    std::ranges::fill(out.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(count)),
                      0.0F);
  }
}

}  // namespace

void gather_images(const LabelledImages& images, std::span<const std::int64_t> ids,
                   std::span<std::uint8_t> out) {
  if (images.pixels.empty()) {
    images.dataset->read_images(ids, out);
    return;
  }
  const auto size = static_cast<std::size_t>(images.shape.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto image = images.pixels.subspan(static_cast<std::size_t>(ids[i]) * size, size);
    std::ranges::copy(image, out.begin() + static_cast<std::ptrdiff_t>(i * size));
  }
}

PixelTable::PixelTable(const LabelledImages& images, std::span<const std::int64_t> ids,
                       Progress& progress) {
  const auto channels = static_cast<std::size_t>(images.shape.channels);
  const auto size = static_cast<std::size_t>(images.shape.size());
  std::vector<std::array<std::int64_t, 256>> counts(channels);
  std::vector<std::uint8_t> buffer;
  for (std::size_t begin = 0; begin < ids.size(); begin += images_at_a_time) {
    const auto some =
        ids.subspan(begin, std::min<std::size_t>(images_at_a_time, ids.size() - begin));
    buffer.resize(some.size() * size);
    gather_images(images, some, buffer);
    for (std::size_t i = 0; i < buffer.size(); ++i) ++counts[i % channels][buffer[i]];
    progress.throw_if_cancelled();
  }
  const auto total = static_cast<double>(ids.size()) * images.shape.height * images.shape.width;
  for (const auto& count : counts) {
    double sum = 0.0;
    double square = 0.0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto value = static_cast<double>(byte);
      sum += value * static_cast<double>(count[byte]);
      square += value * value * static_cast<double>(count[byte]);
    }
    const double mean = sum / total;
    const double variance = square / total - mean * mean;
    mean_.push_back(mean);
    deviation_.push_back(variance > 1e-9 ? std::sqrt(variance) : 1.0);
  }
  fill();
}

PixelTable::PixelTable(std::vector<double> mean, std::vector<double> deviation)
    : mean_(std::move(mean)), deviation_(std::move(deviation)) {
  fill();
}

PixelTable PixelTable::imagenet(int channels) {
  std::vector<double> mean;
  std::vector<double> deviation;
  for (int channel = 0; channel < channels; ++channel) {
    const auto c = static_cast<std::size_t>(channel);
    const bool grey = channels != 3;
    const auto& [m, d] = std::pair{imagenet_mean, imagenet_deviation};
    mean.push_back(255.0 * (grey ? (m[0] + m[1] + m[2]) / 3.0 : m[c]));
    deviation.push_back(255.0 * (grey ? (d[0] + d[1] + d[2]) / 3.0 : d[c]));
  }
  return {std::move(mean), std::move(deviation)};
}

void PixelTable::fill() {
  for (std::size_t channel = 0; channel < mean_.size(); ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      values_.push_back(standardised(static_cast<float>(byte), static_cast<int>(channel)));
    }
  }
}

void draw_part(RandomStream& random, const io::ImageShape& shape, double least, double most,
               Placement& out) {
  constexpr double widest = 4.0 / 3.0;
  const double area = static_cast<double>(shape.height) * shape.width;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * (least + (most - least) * random.uniform());
    const double ratio = std::exp(std::log(widest) * (2.0 * random.uniform() - 1.0));
    const auto width = static_cast<int>(std::lround(std::sqrt(target * ratio)));
    const auto height = static_cast<int>(std::lround(std::sqrt(target / ratio)));
    if (width < 1 || height < 1 || width > shape.width || height > shape.height) continue;
    out.height = height;
    out.width = width;
    const int tops = shape.height - height + 1;
    const int lefts = shape.width - width + 1;
    out.top = static_cast<int>(random.below(static_cast<std::uint64_t>(tops)));
    out.left = static_cast<int>(random.below(static_cast<std::uint64_t>(lefts)));
    return;
  }
  out.height = std::min(shape.height, static_cast<int>(std::lround(shape.width * widest)));
  out.width = std::min(shape.width, static_cast<int>(std::lround(shape.height * widest)));
  out.top = (shape.height - out.height) / 2;
  out.left = (shape.width - out.width) / 2;
}

std::vector<Placement> draw_placements(const NetworkOptions& options, const io::ImageShape& shape,
                                       std::int64_t step) {
  RandomStream random(options.seed, "augment", static_cast<std::uint64_t>(step));
  const int padding = options.crop_scale < 1.0 ? 0 : options.crop_padding;
  const std::uint64_t shifts = 2 * static_cast<std::uint64_t>(padding) + 1;
  const auto factor = [&] {
    return static_cast<float>(1.0 + options.colour_jitter * (2.0 * random.uniform() - 1.0));
  };
  std::vector<Placement> placements(static_cast<std::size_t>(options.batch_size));
  for (Placement& placement : placements) {
    placement.down = static_cast<int>(random.below(shifts)) - padding;
    placement.right = static_cast<int>(random.below(shifts)) - padding;
    placement.mirrored = options.flip && random.below(2) == 1;
    if (options.crop_scale < 1.0) draw_part(random, shape, options.crop_scale, 1.0, placement);
    if (options.colour_jitter > 0.0) {
      placement.brightness = factor();
      placement.contrast = factor();
      placement.saturation = factor();
    }
    if (options.cutout > 0) {
      placement.cutout = options.cutout;
      placement.cut_row = static_cast<int>(random.below(static_cast<std::uint64_t>(shape.height)));
      placement.cut_column =
          static_cast<int>(random.below(static_cast<std::uint64_t>(shape.width)));
    }
  }
  return placements;
}

void write_part(std::span<const std::uint8_t> image, const io::ImageShape& shape,
                const PixelTable& table, const Placement& placement, const io::ImageShape& shown,
                std::span<float> out) {
  resample(image, shape, placement, shown, out);
  if (placement.recoloured()) recolour(placement, shape.channels, out);
  const auto channels = static_cast<std::size_t>(shape.channels);
  for (std::size_t i = 0; i < out.size(); i += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      out[i + c] = table.standardised(out[i + c], static_cast<int>(c));
    }
  }
}

void write_image(std::span<const std::uint8_t> image, const io::ImageShape& shape,
                 const PixelTable& table, const Placement& placement, std::span<float> out) {
  if (placement.resized() || placement.recoloured()) {
    write_part(image, shape, table, placement, shape, out);
  } else {
    write_shifted(image, shape, table, placement, out);
  }
  if (placement.cutout > 0) cut_out(shape, placement, out);
}

}  // namespace winnow::train
