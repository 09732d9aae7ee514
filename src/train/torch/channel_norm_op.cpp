#include "train/torch/channel_norm_op.hpp"

#include <cmath>
#include <vector>

#include "train/channel_norm.hpp"

namespace winnow::train {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// LibTorch takes std's since 2.4, and drops its own name for it.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
using OptionalTensor = std::optional<at::Tensor>;
#else
using OptionalTensor = c10::optional<at::Tensor>;
#endif

/// Calls work(T{}) with the kernels' type for a tensor's elements.
template <class Work>
void with_type(const at::Tensor& tensor, const Work& work) {
  if (tensor.scalar_type() == at::kFloat) {
    work(float{});
  } else {
    TORCH_INTERNAL_ASSERT(tensor.scalar_type() == at::kBFloat16);
    work(Bf16{});
  }
}

template <class T>
const T* read(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<const T*>(tensor.data_ptr()) : nullptr;
}
template <class T>
T* write(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}

NormShape shape_of(const at::Tensor& x) {
  return {.rows = x.size(0) * x.size(2) * x.size(3), .channels = x.size(1)};
}

/// Whether the kernels take it.
bool fused(const at::Tensor& x) { return x.is_cpu() && shape_of(x).supported(); }

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor same_place(const at::Tensor& x) {
  return at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
}

double inverse_deviation(float variance) {
  return 1.0 / std::sqrt(static_cast<double>(variance) + norm_epsilon);
}

at::Tensor normalise(const at::Tensor& x, const at::Tensor& residual, const at::Tensor& scale,
                     const at::Tensor& shift, const at::Tensor& moments, bool relu) {
  const NormShape shape = shape_of(x);
  const auto channels = static_cast<std::size_t>(shape.channels);
  const float* mean = moments.data_ptr<float>();
  const float* variance = mean + channels;
  std::vector<float> factor(channels);
  std::vector<float> offset(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double slope = scale.data_ptr<float>()[c] * inverse_deviation(variance[c]);
    factor[c] = static_cast<float>(slope);
    offset[c] = static_cast<float>(shift.data_ptr<float>()[c] - slope * mean[c]);
  }
  const at::Tensor y = same_place(x);
  with_type(x, [&]<class T>(T) {
    norm_kernels<T>().apply(shape, read<T>(x), read<T>(residual), factor.data(), offset.data(),
                            relu, write<T>(y));
  });
  return y;
}

struct BatchNormFunction : torch::autograd::Function<BatchNormFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& input,
                               const OptionalTensor& added, const at::Tensor& scale,
                               const at::Tensor& shift, bool relu) {
    const at::Tensor x = channels_last(input);
    const at::Tensor residual = added ? channels_last(*added) : at::Tensor();
    const NormShape shape = shape_of(x);
    at::Tensor moments = at::empty(std::vector<std::int64_t>{2, shape.channels}, scale.options());
    with_type(x, [&]<class T>(T) {
      float* mean = moments.data_ptr<float>();
      norm_kernels<T>().moments(shape, read<T>(x), mean, mean + shape.channels);
    });
    at::Tensor y = normalise(x, residual, scale, shift, moments, relu);
    context->save_for_backward({x, relu ? y : at::Tensor(), scale, moments});
    context->saved_data["residual"] = residual.defined();
    context->mark_non_differentiable({moments});
    return {y, moments};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& y = saved[1];
    const at::Tensor gradient = channels_last(gradients[0]);
    const NormShape shape = shape_of(x);
    const auto channels = static_cast<std::size_t>(shape.channels);
    const float* mean = saved[3].data_ptr<float>();
    const float* variance = mean + channels;
    at::Tensor scale_gradient = at::empty_like(saved[2]);
    at::Tensor shift_gradient = at::empty_like(saved[2]);
    const at::Tensor x_gradient = same_place(x);
    const at::Tensor residual_gradient =
        context->saved_data["residual"].toBool() ? same_place(x) : at::Tensor();
    with_type(x, [&]<class T>(T) {
      const auto& kernels = norm_kernels<T>();
      std::vector<float> sum_gx(channels);
      float* sum_g = shift_gradient.data_ptr<float>();
      kernels.backward_sums(shape, read<T>(gradient), read<T>(y), read<T>(x), mean, sum_g,
                            sum_gx.data());
      // dx = scale / s (g - mean(g) - xhat mean(g xhat)), xhat = (x - mean) / s.
      std::vector<float> of_g(channels);
      std::vector<float> of_x(channels);
      std::vector<float> constant(channels);
      const auto rows = static_cast<double>(shape.rows);
      for (std::size_t c = 0; c < channels; ++c) {
        const double inverse = inverse_deviation(variance[c]);
        const double slope = saved[2].data_ptr<float>()[c] * inverse;
        const double along = -slope * inverse * inverse * sum_gx[c] / rows;
        scale_gradient.data_ptr<float>()[c] = static_cast<float>(sum_gx[c] * inverse);
        of_g[c] = static_cast<float>(slope);
        of_x[c] = static_cast<float>(along);
        constant[c] = static_cast<float>(-slope * sum_g[c] / rows - along * mean[c]);
      }
      kernels.backward_apply(shape, read<T>(gradient), read<T>(y), read<T>(x), of_g.data(),
                             of_x.data(), constant.data(), write<T>(x_gradient),
                             write<T>(residual_gradient));
    });
    return {x_gradient, residual_gradient, scale_gradient, shift_gradient, at::Tensor()};
  }
};

at::Tensor finished(const at::Tensor& y, const std::optional<at::Tensor>& residual, bool relu) {
  const at::Tensor sum = residual ? y + *residual : y;
  return relu ? at::relu(sum) : sum;
}

}  // namespace

NormOutput library_batch_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                              const at::Tensor& scale, const at::Tensor& shift, bool relu) {
  const auto [y, mean, inverse] =
      at::native_batch_norm(x, scale, shift, {}, {}, true, 0.0, norm_epsilon);
  at::Tensor moments = at::stack({mean, inverse.pow(-2).sub_(norm_epsilon)}).detach();
  return {finished(y, residual, relu), std::move(moments)};
}

NormOutput batch_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                      const at::Tensor& scale, const at::Tensor& shift, bool relu) {
  if (!fused(x)) return library_batch_norm(x, residual, scale, shift, relu);
  const OptionalTensor added = residual ? OptionalTensor(*residual) : OptionalTensor();
  const auto outputs = BatchNormFunction::apply(x, added, scale, shift, relu);
  return {outputs[0], outputs[1]};
}

at::Tensor fixed_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                      const at::Tensor& scale, const at::Tensor& shift, const at::Tensor& moments,
                      bool relu) {
  if (!fused(x)) {
    const at::Tensor y =
        at::batch_norm(x, scale, shift, moments[0], moments[1], false, 0.0, norm_epsilon, true);
    return finished(y, residual, relu);
  }
  return normalise(channels_last(x), residual ? channels_last(*residual) : at::Tensor(), scale,
                   shift, moments, relu);
}

}  // namespace winnow::train
