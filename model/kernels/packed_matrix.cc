#include "model/kernels/packed_matrix.h"

#include <utility>

#include "model/kernels/float_buffer.h"
#include "model/kernels/kernels.h"

namespace synth {
namespace {

Index PackedSize(const Kernels& kernels, Index rows, Index cols) {
  return rows * ((cols + kernels.lanes - 1) / kernels.lanes * kernels.lanes);
}

}  // namespace

PackedView PackInto(FloatBuffer& buffer, const Kernels& kernels, const ConstMatrix& b) {
  float* const packed = buffer.Reserve(PackedSize(kernels, b.rows, b.cols));
  kernels.pack(b, packed);
  return {packed, b.rows, b.cols};
}

PackedView PackTransposedInto(FloatBuffer& buffer, const Kernels& kernels,
                              const ConstMatrix& b_transposed) {
  float* const packed = buffer.Reserve(PackedSize(kernels, b_transposed.cols, b_transposed.rows));
  kernels.pack_transposed(b_transposed, packed);
  return {packed, b_transposed.cols, b_transposed.rows};
}

PackedMatrix::PackedMatrix(FloatBuffer buffer, Index rows, Index cols)
    : buffer_(std::move(buffer)), rows_(rows), cols_(cols) {}

PackedMatrix PackedMatrix::Pack(const Kernels& kernels, const ConstMatrix& b) {
  FloatBuffer buffer;
  PackInto(buffer, kernels, b);
  return {std::move(buffer), b.rows, b.cols};
}

PackedMatrix PackedMatrix::PackTransposed(const Kernels& kernels, const ConstMatrix& b_transposed) {
  FloatBuffer buffer;
  PackTransposedInto(buffer, kernels, b_transposed);
  return {std::move(buffer), b_transposed.cols, b_transposed.rows};
}

}  // namespace synth
