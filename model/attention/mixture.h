#ifndef SYNTH_MODEL_ATTENTION_MIXTURE_H_
#define SYNTH_MODEL_ATTENTION_MIXTURE_H_

#include <memory>

#include "model/attention/attention_weights.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/select.h"
#include "synth/config.h"

namespace synth {

// softmax(Σ_m α_hm S_m) with α_h = softmax(a_h) over the parts; a spec that is no mixture is one
// part with α = 1. The parts that do not depend on the input are summed here, once; where there are
// no others, the whole attention is precomputed. tensors: those below "attention.self.".
std::unique_ptr<const AttentionWeights> LoadAttentionWeights(const Kernels& kernels,
                                                             const TensorScope& tensors,
                                                             const ModelConfig& config,
                                                             const AttentionSpec& spec);

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_MIXTURE_H_
