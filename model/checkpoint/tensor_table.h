#ifndef SYNTH_MODEL_CHECKPOINT_TENSOR_TABLE_H_
#define SYNTH_MODEL_CHECKPOINT_TENSOR_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "synth/config.h"

namespace synth {

enum class TensorRole { kEmbedding, kScore, kOther };  // for ModelInfo's counts

struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  TensorRole role = TensorRole::kOther;
};

// Every tensor that a checkpoint with this config has: docs/checkpoint.md, "Tensors". This table
// alone says what is loaded.
std::vector<TensorSpec> TensorTable(const ModelConfig& config);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_TENSOR_TABLE_H_
