#ifndef SYNTH_MODEL_KERNELS_KERNELS_H_
#define SYNTH_MODEL_KERNELS_KERNELS_H_

#include <cstddef>
#include <cstdint>

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

// Every product is made of 32-bit words, whatever the precision: a word holds 1 float, 2
// neighbouring bfloat16 or 4 neighbouring 8-bit integers of the summed dimension. One instruction
// multiplies a word of A by a vector of words of B and adds the products to a vector of sums.
using Word = std::int32_t;

// A [rows, depth] in words; row i begins at words + i * stride. Columns that fill up the last word
// may hold anything finite.
struct Operand {
  const void* words = nullptr;
  Index rows = 0;
  Index depth = 0;               // numbers in a row
  Index stride = 0;              // words from row to row
  const float* scale = nullptr;  // int8: [rows], what a step of a row is worth
};

// B [depth, cols] in words, as one MatmulKernels multiplies it: panels of `panel` columns, each
// panel word by word, the last one narrower and padded with zeros to whole vectors.
struct PackedView {
  const void* words = nullptr;
  Index depth = 0;
  Index cols = 0;
  // int8: both padded to whole vectors.
  const float* scale = nullptr;          // [cols], what a step of a column is worth
  const std::int32_t* offset = nullptr;  // [cols], what a sum starts from
};

enum class EpilogueActivation : std::uint8_t { kNone, kRelu, kGelu, kGeluNew, kSilu };

// What matmul does with a product p_ij before it stores it, in this order.
struct Epilogue {
  const float* row_scale = nullptr;  // [rows]: p_ij * row_scale_i
  const float* bias = nullptr;       // [cols]: p_ij + bias_j
  EpilogueActivation activation = EpilogueActivation::kNone;
  bool accumulate = false;  // p_ij + c_ij; not with an activation
};

// A multiple of the rows of every matmul kernel's tile: pieces of so many rows are made of whole
// tiles.
constexpr Index kRowsOfWholeTiles = 12;

// Matrix products of one precision in one instruction set. A row of a result depends on that row of
// the input alone, to the last bit: on no other row, nor on how many there are.
struct MatmulKernels {
  const char* precision;  // "f32", "bf16" or "int8"
  Index depth_per_word;   // 1, 2 or 4
  Index lanes;            // words in a vector
  Index panel;            // columns in a panel of a packed matrix

  // Rows of x in words, [rows, depth in words], one behind the other; scale: [rows], int8 only.
  // Null where a matrix of floats is an operand as it is.
  void (*prepare)(const ConstMatrix& x, void* words, float* scale);
  // The same for the rows of Bᵀ, weights [cols, depth]; scale and offset: [cols], int8 only. Null
  // like prepare.
  void (*prepare_weights)(const ConstMatrix& b_transposed, void* words, float* scale,
                          std::int32_t* offset);
  // Packs B given as its transpose in words, or as it is (null for int8, whose columns' scales are
  // known only for weights), into [depth in words * (cols rounded up to lanes)] words.
  void (*pack_transposed)(const Operand& b_transposed, void* packed);
  void (*pack)(const ConstMatrix& b, void* packed);

  // C = A B for the first c.cols columns of B; a.depth = b.depth, c.rows = a.rows.
  void (*matmul)(const Operand& a, const PackedView& b, const Epilogue& epilogue, const Matrix& c);
};

// What is computed row by row, in f32 whatever the precision of the products.
struct RowKernels {
  // Softmax without its division: x_ij = exp(x_ij - max_j x_ij), reciprocal_i = 1 / Σ_j x_ij.
  void (*exp_rows)(const Matrix& x, float* reciprocal);
  // y_i = (x_i - mean(x_i)) / √(var(x_i) + eps) · gain + bias; y may be x. gain, bias: [cols].
  void (*layer_norm)(const ConstMatrix& x, const float* gain, const float* bias, float eps,
                     const Matrix& y);
};

// What every instruction set has.
struct IsaKernels {
  const char* name;  // "v2", "v3", "v4" (x86-64 levels) or "generic"
  RowKernels rows;
  MatmulKernels f32;
};

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_KERNELS_H_
