#ifndef SYNTH_MODEL_KERNELS_KERNELS_H_
#define SYNTH_MODEL_KERNELS_KERNELS_H_

#include <cstddef>

// Included by the files that are compiled for one instruction set: nothing here may have a body.
// The linker keeps one copy of an inline function, which could be the one with instructions this
// machine lacks.

namespace synth {

using Index = std::ptrdiff_t;

// Row-major [rows, cols]; row i begins at data + i * stride.
struct ConstMatrix {
  const float* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;
};
struct Matrix {
  float* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;
};

// B [rows, cols] in the layout of one Kernels' matmul: panels of `panel` columns, each panel row by
// row, the last one narrower and padded with zeros to whole vectors.
struct PackedView {
  const float* data = nullptr;
  Index rows = 0;
  Index cols = 0;
};

// What matmul does with a product p_ij before it stores it. row_scale goes with neither of the
// others.
struct Epilogue {
  const float* row_scale = nullptr;  // [rows]: p_ij * row_scale_i
  const float* bias = nullptr;       // [cols]: p_ij + bias_j
  bool accumulate = false;           // p_ij + c_ij
};

// The compute kernels of one instruction set. Within one set, a row of a result depends on that row
// of the input alone, to the last bit: on no other row, nor on how many there are.
struct Kernels {
  const char* name;  // "v2", "v3", "v4" (x86-64 levels) or "generic"
  Index lanes;       // floats in a vector
  Index panel;       // columns in a panel of a packed matrix

  // C = A B for the first c.cols columns of B; a.cols = b.rows, c.rows = a.rows.
  void (*matmul)(const ConstMatrix& a, const PackedView& b, const Epilogue& epilogue,
                 const Matrix& c);
  // Packs B [K, N], or B given as its transpose [N, K], into packed [K * (N rounded up to lanes)].
  void (*pack)(const ConstMatrix& b, float* packed);
  void (*pack_transposed)(const ConstMatrix& b_transposed, float* packed);

  // Softmax without its division: x_ij = exp(x_ij - max_j x_ij), reciprocal_i = 1 / Σ_j x_ij.
  void (*exp_rows)(const Matrix& x, float* reciprocal);

  // relu(x) = max(x, 0)
  void (*relu)(const Matrix& x);
  // gelu(x) = x/2 · (1 + erf(x / √2))
  void (*gelu)(const Matrix& x);
  // gelu_new(x) = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))
  void (*gelu_new)(const Matrix& x);

  // x += y
  void (*add)(const ConstMatrix& y, const Matrix& x);
  // y_i = (x_i - mean(x_i)) / √(var(x_i) + eps) · gain + bias; y may be x. gain, bias: [cols].
  void (*layer_norm)(const ConstMatrix& x, const float* gain, const float* bias, float eps,
                     const Matrix& y);
};

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_KERNELS_H_
