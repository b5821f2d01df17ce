#include "model/attention/head_tensors.h"

#include <cstddef>
#include <vector>

#include "model/kernels/kernels.h"
#include "model/kernels/packed_matrix.h"

namespace synth {

std::vector<float> ScaleHeads(std::vector<float> tensor, const std::vector<float>& alpha) {
  const std::size_t per_head = tensor.size() / alpha.size();
  for (std::size_t i = 0; i < tensor.size(); ++i) tensor[i] *= alpha[i / per_head];
  return tensor;
}

std::vector<PackedMatrix> PackHeads(const MatmulKernels& kernels, const std::vector<float>& tensor,
                                    Index rows, Index cols) {
  std::vector<PackedMatrix> heads;
  const auto size = static_cast<Index>(tensor.size());
  for (Index at = 0; at < size; at += rows * cols) {
    heads.push_back(PackedMatrix::Pack(kernels, {tensor.data() + at, rows, cols, cols}));
  }
  return heads;
}

}  // namespace synth
