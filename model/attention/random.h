#ifndef SYNTH_MODEL_ATTENTION_RANDOM_H_
#define SYNTH_MODEL_ATTENTION_RANDOM_H_

#include <vector>

#include "model/checkpoint/checkpoint.h"

namespace synth {

// S = R [H, L, L], the same for every input.
std::vector<float> RandomScores(const TensorScope& tensors);

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_RANDOM_H_
