// What every instruction set has: products in f32, and what is computed row by row. CMake compiles
// this file once per set, with SYNTH_ISA_FUNCTION naming what it defines and SYNTH_ISA_NAME the
// set.

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
    float x;
    __builtin_memcpy(&x, &a, sizeof(x));
    return sum + x * reinterpret_cast<Vec>(b);
  }
  static Columns ColumnsOf(const PackedView&, Index) { return {}; }
  static Vec Finish(Sum sum, Columns) { return sum; }
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

void LayerNorm(const ConstMatrix& x, const float* gain, const float* bias, float eps,
               const Matrix& y) {
  const auto cols = static_cast<float>(x.cols);
  for (Index i = 0; i < x.rows; ++i) {
    const float* const from = x.data + i * x.stride;
    float* const to = y.data + i * y.stride;
    Vec sum = {};
    for (Index j = 0; j < x.cols; j += kLanes) sum += LoadFirst(from + j, x.cols - j, 0);
    const float mean = Sum(sum) / cols;
    Vec squares = {};
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Vec d = LoadFirst(from + j, x.cols - j, mean) - mean;
      squares += d * d;
    }
    const float scale = 1.0F / __builtin_sqrtf(Sum(squares) / cols + eps);
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Index count = x.cols - j;
      const Vec normal = (LoadFirst(from + j, count, 0) - mean) * scale;
      StoreFirst(to + j, normal * LoadFirst(gain + j, count, 0) + LoadFirst(bias + j, count, 0),
                 count);
    }
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
