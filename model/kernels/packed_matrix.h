#ifndef SYNTH_MODEL_KERNELS_PACKED_MATRIX_H_
#define SYNTH_MODEL_KERNELS_PACKED_MATRIX_H_

#include <cstddef>
#include <cstdint>

#include "model/kernels/aligned_buffer.h"
#include "model/kernels/kernels.h"

namespace synth {

// A constant right-hand side of matmul, packed once for one MatmulKernels.
class PackedMatrix {
 public:
  // B [depth, cols]; not for int8.
  static PackedMatrix Pack(const MatmulKernels& kernels, const ConstMatrix& b);
  // B given as its transpose [cols, depth]: how linear layers keep their weights.
  static PackedMatrix PackTransposed(const MatmulKernels& kernels, const ConstMatrix& b_transposed);

  PackedView view() const { return {words_.data(), depth_, cols_, scale_.data(), offset_.data()}; }
  std::size_t bytes() const { return words_.bytes() + scale_.bytes() + offset_.bytes(); }

 private:
  PackedMatrix(Index depth, Index cols) : depth_(depth), cols_(cols) {}

  AlignedBuffer<Word> words_;
  AlignedBuffer<float> scale_;          // int8
  AlignedBuffer<std::int32_t> offset_;  // int8
  Index depth_;
  Index cols_;
};

// The same for a right-hand side that is an activation: into `buffer`, which the view refers to.
PackedView PackInto(AlignedBuffer<Word>& buffer, const MatmulKernels& kernels,
                    const ConstMatrix& b);
PackedView PackTransposedInto(AlignedBuffer<Word>& buffer, const MatmulKernels& kernels,
                              const Operand& b_transposed);

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_PACKED_MATRIX_H_
