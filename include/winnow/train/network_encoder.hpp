#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/device.hpp"
#include "winnow/train/script_encoder.hpp"

namespace winnow {

/// What of a network's layers is an embedding.
enum class NetworkFeatures {
  last,     ///< What its last layer sees.
  quarters  ///< Averages over the quarters of the image: of the maps after a convolutional
            ///< network's last two stages, last stage first, or of a transformer's last patch
            ///< tokens.
};

template <>
struct EnumNames<NetworkFeatures> {
  static constexpr EnumName<NetworkFeatures> values[] = {{NetworkFeatures::last, "last"},
                                                         {NetworkFeatures::quarters, "quarters"}};
};

namespace train {

/// A trained network that turns images into what it computes below its last layer. The one
/// implementation is a plug-in, since LibTorch takes long to load.
class NetworkEncoder {
 public:
  virtual ~NetworkEncoder() = default;

  /// float32 [n, dimensions(features)] of n images, in order; standardised as in training.
  /// @param progress  Can cancel; not advanced.
  /// @throws InvalidArgument  images of another shape than the network was trained on.
  ///
  /// On the CPU blocks of 64 images, counted from the first, run side by side on one thread each:
  /// same bits for any number of threads.
  Matrix<float> encode(const ImageBatch& images, NetworkFeatures features,
                       Progress& progress = silent()) const;

  /// 4 (c + d) for quarters of maps of c and d channels, 4 w of tokens of w numbers.
  virtual std::int64_t dimensions(NetworkFeatures features) const = 0;
  virtual io::ImageShape shape() const = 0;
  /// The network's name, e.g. "resnet8".
  virtual std::string model() const = 0;
  /// What computes, e.g. "LibTorch 1.13.0, cpu, bf16".
  virtual std::string backend() const = 0;
  /// Writes the weights as `winnow train` does. @throws WorkFailed.
  virtual void save(const std::filesystem::path& file) const = 0;

 private:
  virtual Matrix<float> run(const ImageBatch& images, NetworkFeatures features, int threads,
                            Progress& progress) const = 0;
};

/// Images that are encoded on one thread each time; ranges that begin at a multiple of it give the
/// same bits as the whole.
constexpr std::int64_t network_encoder_block = 64;

/// Loads weights that winnow wrote: model.safetensors of a training, or those of a learned encoder.
/// @throws BadFile  missing, damaged, or without winnow's description of the network; NotAvailable
///         without LibTorch, or for a CUDA device that is not there.
std::unique_ptr<NetworkEncoder> load_network_encoder(const std::filesystem::path& file,
                                                     Device device = Device::automatic);

}  // namespace train
}  // namespace winnow
