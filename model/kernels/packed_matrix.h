#ifndef SYNTH_MODEL_KERNELS_PACKED_MATRIX_H_
#define SYNTH_MODEL_KERNELS_PACKED_MATRIX_H_

#include <cstddef>

#include "model/kernels/float_buffer.h"
#include "model/kernels/kernels.h"

namespace synth {

// A constant right-hand side of matmul, packed once for one instruction set.
class PackedMatrix {
 public:
  // B [K, N].
  static PackedMatrix Pack(const Kernels& kernels, const ConstMatrix& b);
  // B given as its transpose [N, K]: how linear layers keep their weights.
  static PackedMatrix PackTransposed(const Kernels& kernels, const ConstMatrix& b_transposed);

  PackedView view() const { return {buffer_.data(), rows_, cols_}; }
  std::size_t bytes() const { return buffer_.bytes(); }

 private:
  PackedMatrix(FloatBuffer buffer, Index rows, Index cols);

  FloatBuffer buffer_;
  Index rows_;
  Index cols_;
};

// The same for a right-hand side that is an activation: into `buffer`, which the view refers to.
PackedView PackInto(FloatBuffer& buffer, const Kernels& kernels, const ConstMatrix& b);
PackedView PackTransposedInto(FloatBuffer& buffer, const Kernels& kernels,
                              const ConstMatrix& b_transposed);

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_PACKED_MATRIX_H_
