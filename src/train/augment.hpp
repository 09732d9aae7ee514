#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "winnow/core/rng.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/network.hpp"

namespace winnow::train {

/// Bytes of the images `ids`, one image after the other: those in memory are copied, others read.
void gather_images(const LabelledImages& images, std::span<const std::int64_t> ids,
                   std::span<std::uint8_t> out);

/// Standardises bytes channel by channel, (byte - mean) / deviation.
class PixelTable {
 public:
  /// Moments of the images `ids`. Channels that never vary get deviation 1.
  PixelTable(const LabelledImages& images, std::span<const std::int64_t> ids,
             Progress& progress = silent());
  /// ImageNet's moments; their mean for grey images.
  static PixelTable imagenet(int channels);
  /// One mean and one deviation a channel.
  PixelTable(std::vector<double> mean, std::vector<double> deviation);

  float operator()(std::uint8_t byte, int channel) const {
    return values_[static_cast<std::size_t>(channel) * 256 + byte];
  }
  /// For values between bytes.
  float standardised(float value, int channel) const {
    const auto c = static_cast<std::size_t>(channel);
    return static_cast<float>((static_cast<double>(value) - mean_[c]) / deviation_[c]);
  }
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& deviation() const { return deviation_; }

 private:
  void fill();

  std::vector<double> mean_;
  std::vector<double> deviation_;
  std::vector<float> values_;  ///< [channels, 256]
};

/// How one image is shown.
struct Placement {
  int down = 0;  ///< Moved down and right; what comes in is black.
  int right = 0;
  bool mirrored = false;
  /// A part that is brought to the full size instead (bilinear); height 0: the whole.
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
  /// Factors of brightness, of the distance to the mean grey, and of that to the pixel's own grey.
  float brightness = 1.0F;
  float contrast = 1.0F;
  float saturation = 1.0F;
  float hue = 0.0F;   ///< Turns of the colour circle.
  bool grey = false;  ///< All channels become the pixel's grey.
  int cutout = 0;     ///< Side of a square that is set to 0 after standardising; 0: none.
  int cut_row = 0;
  int cut_column = 0;  ///< Its centre.

  bool resized() const { return height > 0; }
  bool recoloured() const {
    return brightness != 1.0F || contrast != 1.0F || saturation != 1.0F || hue != 0.0F || grey;
  }
};

/// Places a part of area uniform in [least, most] of the image's and aspect ratio log-uniform in
/// [3/4, 4/3], as torchvision's RandomResizedCrop does; after ten that do not fit, the centre.
void draw_part(RandomStream& random, const io::ImageShape& shape, double least, double most,
               Placement& out);

/// One training step's placements: shifts uniform in +-crop_padding, or with crop_scale < 1 a part
/// of area uniform in [crop_scale, 1] and aspect ratio log-uniform in [3/4, 4/3]; fair mirroring;
/// factors uniform in 1 +- colour_jitter; the cutout's centre anywhere.
std::vector<Placement> draw_placements(const NetworkOptions& options, const io::ImageShape& shape,
                                       std::int64_t step);

/// Writes an image as it is placed, standardised, HWC.
void write_image(std::span<const std::uint8_t> image, const io::ImageShape& shape,
                 const PixelTable& table, const Placement& placement, std::span<float> out);

/// The same of a resized part that is shown at another size: `shown` has the image's channels.
void write_part(std::span<const std::uint8_t> image, const io::ImageShape& shape,
                const PixelTable& table, const Placement& placement, const io::ImageShape& shown,
                std::span<float> out);

}  // namespace winnow::train
