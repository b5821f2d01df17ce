#include "model/kernels/packed_matrix.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "model/kernels/aligned_buffer.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"

namespace synth {
namespace {

Index RoundUp(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

Index PackedWords(const MatmulKernels& kernels, Index depth, Index cols) {
  return DepthInWords(kernels, depth) * RoundUp(cols, kernels.lanes);
}

// Zeros, for as many columns as fill whole vectors.
template <typename T>
T* ReserveColumns(AlignedBuffer<T>& buffer, const MatmulKernels& kernels, Index cols) {
  const Index size = RoundUp(cols, kernels.lanes);
  T* const columns = buffer.Reserve(size);
  std::fill_n(columns, size, T{});
  return columns;
}

}  // namespace

PackedView PackInto(AlignedBuffer<Word>& buffer, const MatmulKernels& kernels,
                    const ConstMatrix& b) {
  assert(kernels.pack != nullptr);
  Word* const packed = buffer.Reserve(PackedWords(kernels, b.rows, b.cols));
  kernels.pack(b, packed);
  return {.words = packed, .depth = b.rows, .cols = b.cols};
}

PackedView PackTransposedInto(AlignedBuffer<Word>& buffer, const MatmulKernels& kernels,
                              const Operand& b_transposed) {
  const Index depth = b_transposed.depth;
  const Index cols = b_transposed.rows;
  Word* const packed = buffer.Reserve(PackedWords(kernels, depth, cols));
  kernels.pack_transposed(b_transposed, packed);
  return {.words = packed, .depth = depth, .cols = cols};
}

PackedMatrix PackedMatrix::Pack(const MatmulKernels& kernels, const ConstMatrix& b) {
  PackedMatrix packed(b.rows, b.cols);
  PackInto(packed.words_, kernels, b);
  return packed;
}

PackedMatrix PackedMatrix::PackTransposed(const MatmulKernels& kernels,
                                          const ConstMatrix& b_transposed) {
  const Index depth = b_transposed.cols;
  const Index cols = b_transposed.rows;
  PackedMatrix packed(depth, cols);
  Operand rows = {b_transposed.data, cols, depth, b_transposed.stride};
  AlignedBuffer<Word> words;
  if (kernels.prepare_weights != nullptr) {
    rows.stride = DepthInWords(kernels, depth);
    Word* const prepared = words.Reserve(cols * rows.stride);
    kernels.prepare_weights(b_transposed, prepared, ReserveColumns(packed.scale_, kernels, cols),
                            ReserveColumns(packed.offset_, kernels, cols));
    rows.words = prepared;
  }
  PackTransposedInto(packed.words_, kernels, rows);
  return packed;
}

}  // namespace synth
