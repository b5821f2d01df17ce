// What every instruction set has: products in f32, and what is computed row by row. CMake compiles
// this file once per set, with SYNTH_ISA_FUNCTION naming what it defines and SYNTH_ISA_NAME the
// set.

#include <cstddef>

#include "model/kernels/kernels.h"
#include "model/kernels/matmul.h"
#include "model/kernels/vectors.h"

namespace synth {
const IsaKernels& SYNTH_ISA_FUNCTION();

namespace {

// A word is a float.
struct Float32 {
  static constexpr Index kDepthPerWord = 1;
  using Sum = Vec;
  struct Columns {};

  static Sum Multiply(Sum sum, IntVec b, Word a) {
    float x = 0;
    __builtin_memcpy(&x, &a, sizeof(x));
    return sum + x * reinterpret_cast<Vec>(b);
  }
  static Sum Start(const PackedView&, Index) { return Sum{}; }
  static Columns ColumnsOf(const PackedView&, Index) { return {}; }
  static Vec Finish(Sum sum, Columns) { return sum; }
  static Vec Gelu(Vec x) { return synth::Gelu(x); }
  static float RowScale(const Operand&, Index) { return 1.0F; }
  static IntVec PackWords(const float* b, Index /*stride*/, Index /*rows*/, Index cols) {
    return reinterpret_cast<IntVec>(LoadFirst(b, cols, 0));
  }
};

void ExpRows(const Matrix& x, float* reciprocal) {
  constexpr float kMinusInfinity = -__builtin_inff();
  for (Index i = 0; i < x.rows; ++i) {
    float* const row = x.data + i * x.stride;
    Vec max = Splat(kMinusInfinity);
    for (Index j = 0; j < x.cols; j += kLanes) {
      max = Larger(max, LoadFirst(row + j, x.cols - j, kMinusInfinity));
    }
    const Vec row_max = Splat(Max(max));
    Vec sum = {};
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Vec e = Exp(LoadFirst(row + j, x.cols - j, kMinusInfinity) - row_max);
      StoreFirst(row + j, e, x.cols - j);
      sum += e;
    }
    reciprocal[i] = 1.0F / Sum(sum);
  }
}

// kRows rows side by side: a row by itself is a chain of sums that waits for each step's result.
template <int kRows>
void NormalizeRows(const float* x, Index x_stride, Index cols, const float* gain, const float* bias,
                   float eps, float* y, Index y_stride) {
  constexpr std::size_t kCount = kRows;  // array bounds are unsigned
  const float one_over_cols = 1.0F / static_cast<float>(cols);
  Vec sum[kCount] = {};
  for (Index j = 0; j < cols; j += kLanes) {
    for (int r = 0; r < kRows; ++r) sum[r] += LoadFirst(x + r * x_stride + j, cols - j, 0);
  }
  float mean[kCount];
  for (int r = 0; r < kRows; ++r) mean[r] = Sum(sum[r]) * one_over_cols;
  Vec squares[kCount] = {};
  for (Index j = 0; j < cols; j += kLanes) {
    for (int r = 0; r < kRows; ++r) {
      const Vec d = LoadFirst(x + r * x_stride + j, cols - j, mean[r]) - mean[r];
      squares[r] += d * d;
    }
  }
  float scale[kCount];
  for (int r = 0; r < kRows; ++r) {
    scale[r] = 1.0F / __builtin_sqrtf(Sum(squares[r]) * one_over_cols + eps);
  }
  for (Index j = 0; j < cols; j += kLanes) {
    const Index count = cols - j;
    const Vec gains = LoadFirst(gain + j, count, 0);
    const Vec biases = LoadFirst(bias + j, count, 0);
    for (int r = 0; r < kRows; ++r) {
      const Vec normal = (LoadFirst(x + r * x_stride + j, count, 0) - mean[r]) * scale[r];
      StoreFirst(y + r * y_stride + j, normal * gains + biases, count);
    }
  }
}

void LayerNorm(const ConstMatrix& x, const float* gain, const float* bias, float eps,
               const Matrix& y) {
  constexpr int kRows = 4;
  Index i = 0;
  for (; i + kRows <= x.rows; i += kRows) {
    NormalizeRows<kRows>(x.data + i * x.stride, x.stride, x.cols, gain, bias, eps,
                         y.data + i * y.stride, y.stride);
  }
  for (; i < x.rows; ++i) {
    NormalizeRows<1>(x.data + i * x.stride, x.stride, x.cols, gain, bias, eps,
                     y.data + i * y.stride, y.stride);
  }
}

constexpr IsaKernels kKernels = {
    .name = SYNTH_ISA_NAME,
    .rows = {.exp_rows = &ExpRows, .layer_norm = &LayerNorm},
    .f32 = {.precision = "f32",
            .depth_per_word = Float32::kDepthPerWord,
            .lanes = kLanes,
            .panel = kPanel,
            .prepare = nullptr,
            .prepare_weights = nullptr,
            .pack_transposed = &PackTransposed<Float32>,
            .pack = &Pack<Float32>,
            .matmul = &Matmul<Float32>},
};

}  // namespace

const IsaKernels& SYNTH_ISA_FUNCTION() { return kKernels; }

}  // namespace synth
