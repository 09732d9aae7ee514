#include "train/torch/dense_op.hpp"

#include "winnow/numerics/product.hpp"

namespace winnow::train {

namespace {

using numerics::product;
using numerics::Transpose;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

MatrixView<float> matrix_of(const at::Tensor& x) {
  return {x.data_ptr<float>(), x.size(0), x.size(1)};
}

/// All axes but the last as one.
at::Tensor rows_of(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}).contiguous(); }

struct DenseFunction : torch::autograd::Function<DenseFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const at::Tensor rows = rows_of(x);
    // A copy even where a single row would not need one.
    at::Tensor y = bias.expand({rows.size(0), bias.size(0)}).clone(at::MemoryFormat::Contiguous);
    product(matrix_of(rows), Transpose::no, matrix_of(weight), Transpose::yes, matrix_of(y), 1.0F,
            1.0F);
    context->save_for_backward({rows, weight});
    auto sizes = x.sizes().vec();
    sizes.back() = bias.size(0);
    return y.view(sizes);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& rows = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor gradient = rows_of(gradients[0]);
    at::Tensor x_gradient = at::empty_like(rows);
    at::Tensor weight_gradient = at::empty_like(weight);
    product(matrix_of(gradient), Transpose::no, matrix_of(weight), Transpose::no,
            matrix_of(x_gradient));
    product(matrix_of(gradient), Transpose::yes, matrix_of(rows), Transpose::no,
            matrix_of(weight_gradient));
    auto sizes = gradients[0].sizes().vec();
    sizes.back() = weight.size(1);
    return {x_gradient.view(sizes), weight_gradient, gradient.sum(0)};
  }
};

}  // namespace

at::Tensor dense_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool own = x.is_cpu() && x.scalar_type() == at::kFloat;
  return own ? DenseFunction::apply(x, weight, bias) : at::linear(x, weight, bias);
}

}  // namespace winnow::train
