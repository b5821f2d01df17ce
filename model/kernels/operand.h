#ifndef SYNTH_MODEL_KERNELS_OPERAND_H_
#define SYNTH_MODEL_KERNELS_OPERAND_H_

#include "model/kernels/aligned_buffer.h"
#include "model/kernels/kernels.h"

namespace synth {

// How many words `depth` numbers take.
Index DepthInWords(const MatmulKernels& kernels, Index depth);

// Where an operand's words are kept.
struct OperandBuffer {
  AlignedBuffer<Word> words;
  AlignedBuffer<float> scale;
};

// x as the left-hand side of a product of `kernels`: x itself where it can be, or else a copy in
// `buffer`. The operand refers to one of the two.
Operand Prepare(const MatmulKernels& kernels, const ConstMatrix& x, OperandBuffer& buffer);

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_OPERAND_H_
