#include "model/attention/dot_product.h"

#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"
#include "model/ops/linear.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {
namespace {

// alpha_h / √Dh · query, then key: `name` is "weight" [D, D] or "bias" [D], both begin with the
// heads.
std::vector<float> Stack(const TensorScope& tensors, std::string_view name, Index head_size,
                         const std::vector<float>& alpha) {
  std::vector<float> query = tensors.Below("query").Read(name);
  const std::vector<float> key = tensors.Below("key").Read(name);
  const std::size_t per_head = query.size() / alpha.size();
  const float inverse_root = 1.0F / std::sqrt(static_cast<float>(head_size));
  for (std::size_t i = 0; i < query.size(); ++i) query[i] *= alpha[i / per_head] * inverse_root;
  query.insert(query.end(), key.begin(), key.end());
  return query;
}

}  // namespace

DotProductScores::DotProductScores(const Kernels& kernels, const TensorScope& tensors,
                                   const ModelConfig& config, const std::vector<float>& alpha)
    : kernels_(kernels.attention),
      hidden_size_(config.hidden_size),
      head_size_(config.head_size()),
      query_key_(kernels.linear, Stack(tensors, "weight", head_size_, alpha),
                 Stack(tensors, "bias", head_size_, alpha)) {}

void DotProductScores::Project(const Operand& x, const Matrix& projected) const {
  query_key_.Forward(x, projected);
}

void DotProductScores::ComputeScores(const ConstMatrix& projected, Index head, bool add,
                                     Scratch& scratch, const Matrix& scores) const {
  const float* const q = projected.data + head * head_size_;
  const float* const k = q + hidden_size_;
  const Operand q_head =
      Prepare(kernels_, {q, projected.rows, head_size_, projected.stride}, scratch.head_input);
  const Operand k_head =
      Prepare(kernels_, {k, projected.rows, head_size_, projected.stride}, scratch.keys_input);
  const PackedView k_transposed = PackTransposedInto(scratch.packed_keys, kernels_, k_head);
  kernels_.matmul(q_head, k_transposed, {.accumulate = add}, scores);
}

}  // namespace synth
