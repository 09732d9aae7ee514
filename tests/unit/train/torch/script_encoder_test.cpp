#include "train/torch/script_encoder.hpp"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/error.hpp"

namespace winnow::train {
namespace {

using testing::expect_error;
using testing::TempFolder;
using testing::Threads;
using testing::values_of;

/// Random images of one shape.
struct Images {
  io::ImageShape shape;
  std::vector<std::uint8_t> pixels;

  Images(std::int64_t n, io::ImageShape dimensions) : shape(dimensions) {
    RandomStream random(Seed{3}, "images");
    for (std::int64_t i = 0; i < n * shape.size(); ++i) {
      pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
    }
  }
  ImageBatch view() const { return {pixels, shape}; }
  ImageBatch view(std::int64_t begin, std::int64_t count) const {
    return {std::span(pixels).subspan(static_cast<std::size_t>(begin * shape.size()),
                                      static_cast<std::size_t>(count * shape.size())),
            shape};
  }
};

class ScriptEncoderTest : public ::testing::Test {
 protected:
  /// Saves a module with that forward() and loads it back.
  std::unique_ptr<TorchScriptEncoder> encoder(const std::string& forward,
                                              const ScriptOptions& options = {}) {
    torch::jit::Module module("Encoder");
    module.register_parameter(
        "kernel", torch::sin(torch::arange(8 * 3 * 3 * 3, torch::kFloat)).view({8, 3, 3, 3}),
        false);
    module.register_attribute("training", c10::BoolType::get(), true);
    module.define(forward);
    return load(module, options);
  }

  std::unique_ptr<TorchScriptEncoder> load(const torch::jit::Module& module,
                                           const ScriptOptions& options = {}) {
    module.save(path());
    return std::make_unique<TorchScriptEncoder>(path(), options);
  }

  std::string path() const { return (folder_ / "encoder.ts").string(); }

  TempFolder folder_;
};

constexpr const char* convolution = R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.relu(torch.conv2d(x, self.kernel)).mean([2, 3])
)";

constexpr const char* channel_means = R"(
def forward(self, x: Tensor) -> Tensor:
    return x.mean([2, 3])
)";

TEST_F(ScriptEncoderTest, GivesWhatTheModuleGivesForStandardisedPixels) {
  const Images images(21, {9, 7, 3});
  ScriptOptions options;
  options.mean = {{0.1, 0.2, 0.3}};
  options.std = {{0.5, 0.6, 0.7}};
  const Matrix<float> rows = encoder(convolution, options)->encode(images.view());
  ASSERT_EQ(rows.rows(), 21);
  ASSERT_EQ(rows.cols(), 8);
  // The same with tensors: bytes as [n, h, w, c], then as the module wants them.
  at::Tensor x =
      torch::from_blob(const_cast<std::uint8_t*>(images.pixels.data()), {21, 9, 7, 3}, torch::kByte)
          .permute({0, 3, 1, 2})
          .to(torch::kFloat) /
      255.0;
  x = (x - torch::tensor({0.1F, 0.2F, 0.3F}).view({1, 3, 1, 1})) /
      torch::tensor({0.5F, 0.6F, 0.7F}).view({1, 3, 1, 1});
  const at::Tensor kernel =
      torch::sin(torch::arange(8 * 3 * 3 * 3, torch::kFloat)).view({8, 3, 3, 3});
  const at::Tensor expected = torch::relu(torch::conv2d(x, kernel)).mean({2, 3}).contiguous();
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    // 27 products of numbers below 3 in float32, in another order: 27 * 3 * 2^-23 < 1e-5.
    ASSERT_NEAR(rows.data()[i], expected.data_ptr<float>()[i], 1e-5);
  }
}

TEST_F(ScriptEncoderTest, GreyImagesAreRepeated) {
  const Images grey(3, {4, 4, 1});
  Images colour(3, {4, 4, 3});
  for (std::size_t i = 0; i < colour.pixels.size(); ++i) colour.pixels[i] = grey.pixels[i / 3];
  const auto means = encoder(channel_means);
  EXPECT_EQ(values_of(means->encode(grey.view())), values_of(means->encode(colour.view())));
}

TEST_F(ScriptEncoderTest, SameBitsForAnyNumberOfThreadsAndEveryTime) {
  const Images images(50, {12, 12, 3});
  const auto convolve = encoder(convolution);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    for (int repeat = 0; repeat < 3; ++repeat) {
      results.push_back(values_of(convolve->encode(images.view())));
    }
  }
  for (const auto& result : results) EXPECT_EQ(result, results.front());
  // Whole slices are the same wherever they stand.
  const auto tail = values_of(convolve->encode(images.view(16, 34)));
  EXPECT_TRUE(std::equal(tail.begin(), tail.end(), results.front().begin() + 16 * 8));
}

TEST_F(ScriptEncoderTest, LeavesTheCallersThreadCountAlone) {
  encoder(channel_means);  // makes the file, and whatever LibTorch sets on its first use here
  omp_set_num_threads(3);
  TorchScriptEncoder(path(), {}).encode(Images(3, {4, 4, 3}).view());
  EXPECT_EQ(omp_get_max_threads(), 3);
}

TEST_F(ScriptEncoderTest, TakesTheFormsThatEncodersGive) {
  const Images images(3, {4, 4, 3});
  const auto expected = values_of(encoder(channel_means)->encode(images.view()));
  for (const char* forward :
       {"def forward(self, x: Tensor) -> Tensor:\n    return x.mean([2, 3], True)\n",
        "def forward(self, x: Tensor) -> Tuple[Tensor, int]:\n    return x.mean([2, 3]), 1\n",
        "def forward(self, x: Tensor) -> List[Tensor]:\n    return [x.mean([2, 3]), x]\n",
        "def forward(self, x: Tensor) -> Dict[str, Tensor]:\n    return {'e': x.mean([2, 3])}\n",
        "def forward(self, x: Tensor) -> Tensor:\n    return x.double().mean([2, 3])\n"}) {
    const auto found = values_of(encoder(forward)->encode(images.view()));
    ASSERT_EQ(found.size(), expected.size()) << forward;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i], expected[i], 1e-6) << forward;
    }
  }
}

TEST_F(ScriptEncoderTest, RefusesOtherForms) {
  const Images images(3, {4, 5, 3});
  const auto refuse = [&](const std::string& type, const std::string& value,
                          const std::vector<std::string>& parts) {
    const auto bad =
        encoder("def forward(self, x: Tensor) -> " + type + ":\n    return " + value + "\n");
    expect_error<BadFile>([&] { bad->encode(images.view()); }, parts);
  };
  refuse("Tensor", "x", {"encoder.ts", "gives [3, 3, 4, 5] for 3 images", "pool"});
  refuse("Tensor", "x.mean([1, 2, 3])", {"gives [3] for 3 images", "expected [3, d]"});
  refuse("Tensor", "x[0]", {"gives [3, 4, 5]"});
  refuse("int", "7", {"gives a Int", "expected a tensor"});
  refuse("Dict[str, Tensor]", "{'a': x, 'b': x}", {"Dict", "one-entry dictionary"});
}

TEST_F(ScriptEncoderTest, TellsWhyAModuleFails) {
  expect_error<BadFile>(
      [&] {
        encoder(convolution)->encode(Images(2, {2, 9, 3}).view());
      },
      {"encoder.ts", "[2, 3, 2, 9]", "Kernel size", "--image-size"});
  torch::jit::Module grey("Grey");
  grey.register_parameter("kernel", torch::ones({1, 1, 3, 3}), false);
  grey.define(
      "def forward(self, x: Tensor) -> Tensor:\n"
      "    return torch.conv2d(x, self.kernel).mean([2, 3])\n");
  expect_error<BadFile>(
      [&] {
        load(grey)->encode(Images(2, {4, 4, 3}).view());
      },
      {"[2, 3, 4, 4]", "1 channel", "takes grey images"});
  expect_error<BadFile>(
      [&] {
        encoder("def forward(self, x: Tensor, y: Tensor) -> Tensor:\n    return x + y\n")
            ->encode(Images(2, {4, 4, 3}).view());
      },
      {"missing value for argument 'y'"});
}

TEST_F(ScriptEncoderTest, RunsInEvaluationMode) {
  const auto dropout = encoder(
      "def forward(self, x: Tensor) -> Tensor:\n"
      "    return torch.dropout(x.mean([2, 3]), 0.5, self.training)\n");
  const Images images(8, {4, 4, 3});
  EXPECT_EQ(values_of(dropout->encode(images.view())),
            values_of(encoder(channel_means)->encode(images.view())));
}

TEST_F(ScriptEncoderTest, WeightsOfHalfPrecisionMeetTheImages) {
  torch::jit::Module module("Half");
  module.register_parameter("kernel", torch::ones({3, 5}).to(torch::kHalf), false);
  module.register_buffer("index", torch::tensor({2, 1, 0}));
  module.define(
      "def forward(self, x: Tensor) -> Tensor:\n"
      "    return torch.matmul(x.mean([2, 3])[:, self.index], self.kernel)\n");
  EXPECT_EQ(load(module)->encode(Images(2, {4, 4, 3}).view()).cols(), 5);
}

TEST_F(ScriptEncoderTest, NaNIsPassedOn) {
  const auto nan = encoder(
      "def forward(self, x: Tensor) -> Tensor:\n    return torch.log(x.mean([2, 3]) - 1000.0)\n");
  EXPECT_TRUE(std::isnan(nan->encode(Images(1, {4, 4, 3}).view())(0, 0)));
}

TEST_F(ScriptEncoderTest, RefusesWhatItDoesNotTake) {
  ScriptOptions options;
  options.batch_size = 4;
  const auto small = encoder(channel_means, options);
  expect_error<InvalidArgument>(
      [&] {
        small->encode(Images(5, {4, 4, 3}).view());
      },
      {"5 images", "batch-size = 4"});
  expect_error<InvalidArgument>(
      [&] {
        small->encode(Images(2, {4, 4, 4}).view());
      },
      {"4 channels"});
  EXPECT_EQ(small->encode(Images(0, {4, 4, 3}).view()).rows(), 0);
}

TEST_F(ScriptEncoderTest, SaysWhatKindOfFileItIsNot) {
  const auto refuse = [&](const std::string& bytes, const std::vector<std::string>& parts) {
    std::ofstream(path(), std::ios::binary) << bytes;
    expect_error<BadFile>([&] { TorchScriptEncoder(path(), {}); }, parts);
  };
  refuse("", {"encoder.ts", "no TorchScript archive", "torch.jit.script"});
  refuse("\x80\x02}q.", {"pickle", "torch.jit.script"});
  refuse("PK\x03\x04 and no more", {"damaged archive"});
  torch::save(torch::ones({3}), path());
  expect_error<Error>(
      [&] {
        TorchScriptEncoder(path(), {}).encode(Images(1, {4, 4, 3}).view());
      },
      {"encoder.ts"});
}

TEST_F(ScriptEncoderTest, CudaIsAskedFor) {
  ScriptOptions options;
  options.device = Device::cpu;
  EXPECT_EQ(encoder(channel_means, options)->backend().find("LibTorch "), 0U);
  if (torch::cuda::is_available()) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_NE(encoder(channel_means)->backend().find(", cpu"), std::string::npos);
  options.device = Device::cuda;
  expect_error<NotAvailable>([&] { encoder(channel_means, options); },
                             {"device = cuda", "--device cpu"});
}

TEST_F(ScriptEncoderTest, CanBeCancelled) {
  testing::StoppingProgress progress(0);
  EXPECT_THROW(encoder(channel_means)->encode(Images(2, {4, 4, 3}).view(), progress), Interrupted);
}

}  // namespace
}  // namespace winnow::train
