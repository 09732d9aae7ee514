#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "winnow/core/matrix.hpp"
#include "winnow/core/options.hpp"
#include "winnow/core/progress.hpp"
#include "winnow/io/dataset.hpp"
#include "winnow/train/device.hpp"

namespace winnow::train {

/// One number for each of red, green and blue, written `0.485,0.456,0.406`.
struct PerChannel {
  std::array<double, 3> values{};

  static constexpr const char* forms = "R,G,B";
  /// @throws InvalidArgument naming `field` and the text unless it is three finite numbers.
  static PerChannel parse(std::string_view field, std::string_view text);
  std::string text() const;
  bool operator==(const PerChannel&) const = default;
};

}  // namespace winnow::train

namespace winnow::train {

/// How a TorchScript encoder is fed. The defaults of mean and std are ImageNet's.
struct ScriptOptions {
  PerChannel mean{{0.485, 0.456, 0.406}};
  PerChannel std{{0.229, 0.224, 0.225}};
  std::int64_t batch_size = 64;
  Device device = Device::automatic;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit(self.mean,
          FieldInfo{.name = "mean", .help = "Taken from the pixels / 255 (TorchScript)."});
    visit(self.std, FieldInfo{.name = "std",
                              .help = "Divides the pixels after that; above 0 (TorchScript)."});
    visit(self.batch_size,
          FieldInfo{.name = "batch-size",
                    .help = "Images that are read and encoded at a time; another number can change "
                            "the last bits (TorchScript).",
                    .unit = "images",
                    .min = 1,
                    .max = 65536});
    visit(self.device, FieldInfo{.name = "device",
                                 .help = "Where the encoder runs; auto takes a CUDA device when "
                                         "there is one (TorchScript)."});
  }
  /// @throws InvalidArgument naming the field, its value and the bound broken.
  void validate() const;
};

/// Images as bytes, [n, height, width, channels].
struct ImageBatch {
  std::span<const std::uint8_t> pixels;
  io::ImageShape shape;  ///< 1 or 3 channels

  std::int64_t size() const {
    return static_cast<std::int64_t>(pixels.size()) / std::max<std::int64_t>(1, shape.size());
  }
};

/// A batch as the plug-in gets it: checked.
struct ScriptJob {
  ImageBatch images;
  int threads = 1;
};

/// A TorchScript module that turns images into vectors. The one implementation is a plug-in, since
/// LibTorch takes long to load.
class ScriptEncoder {
 public:
  virtual ~ScriptEncoder() = default;

  /// [n, d] embeddings of n images, in order; d is what the module gives.
  ///
  /// The module gets float32 [n, 3, height, width] of (pixel / 255 - mean) / std, grey repeated to
  /// three channels, in evaluation mode, and gives [n, d], [n, d, 1, 1], or a tuple, list or
  /// one-entry dictionary whose first tensor is that. NaN and Inf are passed on.
  ///
  /// @param images    At most batch_size of them, of 1 or 3 channels.
  /// @param progress  Can cancel; not advanced.
  /// @throws InvalidArgument  too many images, or other channels; BadFile  a module that fails on
  ///         them or gives something else, naming the shapes; WorkFailed  too little memory.
  ///
  /// On the CPU slices of 8 images run side by side, each on one thread: same bits for any number
  /// of threads. Memory: one batch on CUDA, else one slice a thread.
  Matrix<float> encode(const ImageBatch& images, Progress& progress = silent()) const;

  /// What computes, e.g. "LibTorch 1.13.0, cpu".
  virtual std::string backend() const = 0;
  const std::filesystem::path& file() const { return file_; }
  const ScriptOptions& options() const { return options_; }

 protected:
  ScriptEncoder(std::filesystem::path file, const ScriptOptions& options)
      : file_(std::move(file)), options_(options) {}

 private:
  virtual Matrix<float> run(const ScriptJob& job, Progress& progress) const = 0;

  std::filesystem::path file_;
  ScriptOptions options_;
};

/// Loads a TorchScript archive (torch.jit.script or torch.jit.trace, then save()).
///
/// @throws BadFile  missing, no TorchScript (a pickle of torch.save, say), damaged, or written for
///         another LibTorch: names the operator or format version and what to do;
///         NotAvailable  without LibTorch, or for a CUDA device that is not there.
std::unique_ptr<ScriptEncoder> load_script_encoder(const std::filesystem::path& file,
                                                   const ScriptOptions& options = {});

}  // namespace winnow::train
