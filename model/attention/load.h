#ifndef SYNTH_MODEL_ATTENTION_LOAD_H_
#define SYNTH_MODEL_ATTENTION_LOAD_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/select.h"
#include "synth/config.h"

namespace synth {

// α of part m of a mixture, [H], from its a: [H, parts].
std::vector<float> PartWeights(const std::vector<float>& a, std::size_t parts, std::size_t m);

// softmax(Σ_m α_hm S_m) with α_h = softmax(a_h) over the parts; a spec that is no mixture is one
// part with α = 1. The parts that do not depend on the input are summed here, once; where there are
// no others, the whole attention is precomputed. tensors: those below "attention.self.".
std::unique_ptr<const AttentionWeights> LoadAttentionWeights(const Kernels& kernels,
                                                             const TensorScope& tensors,
                                                             const ModelConfig& config,
                                                             const AttentionSpec& spec);

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_LOAD_H_
