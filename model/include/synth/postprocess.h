#ifndef SYNTH_POSTPROCESS_H_
#define SYNTH_POSTPROCESS_H_

#include <span>
#include <vector>

#include "synth/config.h"

namespace synth {

// What is done with logits and embeddings after the encoder. No function here gives NaN or infinity
// for finite input.

// values [C] in place: softmax (single label) or the logistic function of each (multi label).
void LogitsToProbabilities(ProblemType problem_type, std::span<float> values);

// The indices of the `k` largest values, largest first, ties by lower index; all of them where k is
// 0 or more than there are.
std::vector<int> TopK(std::span<const float> values, int k);

// Scales `vector` to Euclidean length 1. A zero vector stays zero.
void L2Normalize(std::span<float> vector);

// False if a value is NaN or infinite: weights that are too large give such results.
bool AllFinite(std::span<const float> values);

// Higher is further out of scope (docs/checkpoint.md).
float ComputeOutOfScopeScore(OutOfScopeScore score, std::span<const float> logits);

}  // namespace synth

#endif  // SYNTH_POSTPROCESS_H_
