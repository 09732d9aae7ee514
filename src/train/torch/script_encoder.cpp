#include "train/torch/script_encoder.hpp"

#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <algorithm>
#include <vector>

#include "train/script_errors.hpp"
#include "train/torch/runtime.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/parallel.hpp"

namespace winnow::train {

namespace fs = std::filesystem;

namespace {

/// Images that one thread encodes at once. Part of the result: other sizes round differently.
constexpr std::int64_t slice_size = 8;

std::string version_text() { return fmt::format("LibTorch {}", TORCH_VERSION); }

/// LibTorch's message without the stack of its own sources.
std::string message_of(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  return own != nullptr ? own->what_without_backtrace() : error.what();
}

ScriptArchive inspect(const fs::path& file) {
  ScriptArchive archive;
  archive.backend = version_text();
  archive.newest_version = caffe2::serialize::kMaxSupportedFileFormatVersion;
  try {
    caffe2::serialize::PyTorchStreamReader reader(file.string());
    archive.version = static_cast<std::int64_t>(reader.version());
    archive.has_code = reader.hasRecord("constants.pkl");
  } catch (const std::exception&) {  // What is wrong is told by the load itself.
  }
  return archive;
}

/// Weights of half or double precision as float32, so that they meet the images.
void to_float32(const torch::jit::Module& module) {
  const auto convert = [](at::Tensor tensor) {
    if (tensor.is_floating_point() && tensor.scalar_type() != at::kFloat) {
      tensor.set_data(tensor.to(at::kFloat));
    }
  };
  for (const at::Tensor& tensor : module.parameters()) convert(tensor);
  for (const at::Tensor& tensor : module.buffers()) convert(tensor);
}

torch::jit::Module load(const fs::path& file, const at::Device& device) {
  const TorchThreads one(1);
  try {
    torch::jit::Module module = torch::jit::load(file.string(), device);
    module.eval();
    to_float32(module);
    if (!module.find_method("forward")) {
      throw BadFile(
          fmt::format("{}: the module has no forward(); export the one that has", file.string()));
    }
    return module;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw BadFile(explain_load(file, inspect(file), message_of(error)));
  }
}

/// The same bits on every call, as far as cuDNN can.
void ask_for_determinism() {
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

std::string shape_text(const at::Tensor& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.sizes().vec(), ", "));
}

/// The tensor that a module's output is or begins with; nothing when there is none.
std::optional<at::Tensor> first_tensor(const c10::IValue& output) {
  if (output.isTensor()) return output.toTensor();
  if (output.isTuple() && !output.toTupleRef().elements().empty()) {
    const c10::IValue& first = output.toTupleRef().elements()[0];
    if (first.isTensor()) return first.toTensor();
  }
  if (output.isTensorList() && !output.toTensorVector().empty()) {
    return output.toTensorVector().front();
  }
  if (output.isGenericDict() && output.toGenericDict().size() == 1) {
    const c10::IValue only = output.toGenericDict().begin()->value();
    if (only.isTensor()) return only.toTensor();
  }
  return {};
}

}  // namespace

TorchScriptEncoder::TorchScriptEncoder(const fs::path& file, const ScriptOptions& options)
    : ScriptEncoder(file, options),
      device_(resolve_device(options.device)),
      module_(load(file, device_)) {
  if (device_.is_cuda()) ask_for_determinism();
  for (std::size_t channel = 0; channel < table_.size(); ++channel) {
    const auto mean = static_cast<float>(options.mean.values[channel]);
    const auto deviation = static_cast<float>(options.std.values[channel]);
    for (std::size_t value = 0; value < table_[channel].size(); ++value) {
      table_[channel][value] = (static_cast<float>(value) / 255.0F - mean) / deviation;
    }
  }
}

std::string TorchScriptEncoder::backend() const {
  return fmt::format("{}, {}", version_text(), device_.is_cuda() ? "cuda" : "cpu");
}

Matrix<float> TorchScriptEncoder::run(const ScriptJob& job, Progress& progress) const {
  const TorchThreads threads(job.threads);
  const std::int64_t n = job.images.size();
  const std::int64_t slice = device_.is_cuda() ? n : slice_size;
  std::vector<at::Tensor> outputs(static_cast<std::size_t>((n + slice - 1) / slice));
  parallel_blocks(static_cast<std::int64_t>(outputs.size()), progress, [&](std::int64_t s) {
    const at::NoGradGuard no_grad;
    const std::int64_t count = std::min(slice, n - s * slice);
    outputs[static_cast<std::size_t>(s)] =
        forward(input(job.images, s * slice, count), job.images.shape);
  });
  const std::int64_t width = outputs.front().size(1);
  Matrix<float> rows(n, width);
  for (std::size_t s = 0; s < outputs.size(); ++s) {
    const at::Tensor& output = outputs[s];
    if (output.size(1) != width) {
      throw BadFile(fmt::format(
          "{}: the encoder gives {} numbers for some images and {} for others; expected one length",
          file().string(), width, output.size(1)));
    }
    std::copy_n(output.data_ptr<float>(), output.numel(),
                rows.row(static_cast<std::int64_t>(s) * slice).data());
  }
  return rows;
}

at::Tensor TorchScriptEncoder::input(const ImageBatch& images, std::int64_t begin,
                                     std::int64_t count) const {
  const io::ImageShape& shape = images.shape;
  const std::int64_t area = std::int64_t{shape.height} * shape.width;
  at::Tensor tensor = at::empty({count, 3, shape.height, shape.width});
  float* target = tensor.data_ptr<float>();
  for (std::int64_t i = begin; i < begin + count; ++i) {
    const std::uint8_t* image = images.pixels.data() + i * shape.size();
    for (std::size_t channel = 0; channel < table_.size(); ++channel) {
      const std::uint8_t* source = image + (shape.channels == 3 ? channel : 0);
      for (std::int64_t p = 0; p < area; ++p) {
        *target++ = table_[channel][source[p * shape.channels]];
      }
    }
  }
  return tensor;
}

at::Tensor TorchScriptEncoder::forward(const at::Tensor& input, const io::ImageShape& shape) const {
  // The profiling executor would compute the first calls in another way than later ones.
  const torch::jit::GraphOptimizerEnabledGuard plain(false);
  torch::jit::Module module = module_;  // A handle; forward() is not const.
  try {
    return embedding_of(module.forward({input.to(device_)}), input.size(0));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const std::string message = message_of(error);
    if (message.find("out of memory") != std::string::npos ||
        message.find("not enough memory") != std::string::npos) {
      throw WorkFailed(fmt::format("{}: {}; give a smaller --batch-size", file().string(),
                                   useful_line(message)));
    }
    throw BadFile(explain_run(file(), input.size(0), shape, message));
  }
}

at::Tensor TorchScriptEncoder::embedding_of(const c10::IValue& output, std::int64_t count) const {
  const auto tensor = first_tensor(output);
  if (!tensor) {
    throw BadFile(fmt::format(
        "{}: the encoder gives a {}; expected a tensor, or a tuple, list or one-entry dictionary "
        "that begins with one; export it inside a module that returns the embedding",
        file().string(), output.tagKind()));
  }
  const at::Tensor& t = *tensor;
  const bool flat = t.dim() == 2 || (t.dim() == 4 && t.size(2) == 1 && t.size(3) == 1);
  if (!flat || t.size(0) != count || t.size(1) < 1) {
    throw BadFile(fmt::format(
        "{}: the encoder gives {} for {} images; expected [{}, d] or [{}, d, 1, 1]; pool and "
        "flatten in the module before exporting it",
        file().string(), shape_text(t), count, count, count));
  }
  return t.reshape({count, t.size(1)}).to(at::kCPU, at::kFloat).contiguous();
}

}  // namespace winnow::train
