#ifndef SYNTH_MODEL_ATTENTION_HEAD_TENSORS_H_
#define SYNTH_MODEL_ATTENTION_HEAD_TENSORS_H_

#include <vector>

#include "model/kernels/kernels.h"
#include "model/kernels/packed_matrix.h"

namespace synth {

// tensor: [H, ...] with head h multiplied by alpha[h].
std::vector<float> ScaleHeads(std::vector<float> tensor, const std::vector<float>& alpha);

// tensor: [H, rows, cols] -> H packed matrices.
std::vector<PackedMatrix> PackHeads(const MatmulKernels& kernels, const std::vector<float>& tensor,
                                    Index rows, Index cols);

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_HEAD_TENSORS_H_
