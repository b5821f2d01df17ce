#ifndef SYNTH_MODEL_LAYERS_POOLING_H_
#define SYNTH_MODEL_LAYERS_POOLING_H_

#include <span>

#include "synth/config.h"

namespace synth {

// The hidden states of one text, [n, D] with n >= 1, to one vector [D]: the mean or the maximum
// over all n tokens, or the first token.
void PoolTokens(std::span<const float> hidden, Pooling pooling, std::span<float> pooled);

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_POOLING_H_
