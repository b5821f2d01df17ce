#ifndef SYNTH_MODEL_ATTENTION_FACTORIZED_RANDOM_H_
#define SYNTH_MODEL_ATTENTION_FACTORIZED_RANDOM_H_

#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "synth/config.h"

namespace synth {

// S_h = R1_h R2_hᵀ [H, L, L] with R1, R2 [H, L, k], the same for every input.
std::vector<float> FactorizedRandomScores(const TensorScope& tensors, const ModelConfig& config,
                                          const FactorizedRandomSpec& spec);

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_FACTORIZED_RANDOM_H_
