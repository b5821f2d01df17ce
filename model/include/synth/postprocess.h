#ifndef SYNTH_POSTPROCESS_H_
#define SYNTH_POSTPROCESS_H_

#include <span>
#include <vector>

#include "synth/config.h"

// What is done with logits and embeddings after the encoder:
//
//   std::vector<float> values = {0.5F, 3.0F, -1.0F};  // logits
//   synth::LogitsToProbabilities(synth::ProblemType::kSingleLabel, values);  // 0.07, 0.91, 0.02
//   synth::TopK(values, 2);                                                  // {1, 0}
//
// No function here gives NaN or infinity if its input is finite. All may be called from any thread.

namespace synth {

// Turns logits [C] into probabilities in place: by softmax (single label), or by the logistic
// function of each logit (multi label). Those of a regression are numbers of their own, and stay.
void LogitsToProbabilities(ProblemType problem_type, std::span<float> values);

// The indices of the `k` largest values, the largest first. Of equal values the lower index comes
// first. All indices if k is 0 or exceeds the number of values.
std::vector<int> TopK(std::span<const float> values, int k);

// Scales `vector` to Euclidean length 1. A zero vector stays zero.
void L2Normalize(std::span<float> vector);

// False if a value is NaN or infinite: weights that are too large give such results.
bool AllFinite(std::span<const float> values);

// How little a text belongs to the known classes: the higher, the further out of scope
// (docs/checkpoint.md). There must be at least one logit.
float ComputeOutOfScopeScore(OutOfScopeScore score, std::span<const float> logits);

// One vector [D] for a text from the pooled vectors [D] of its windows: the largest values for
// Pooling::kMax, otherwise the mean. There must be at least one window, and all must be as long as
// `pooled`, which may be one of them.
void PoolWindows(std::span<const std::vector<float>> windows, Pooling pooling,
                 std::span<float> pooled);

}  // namespace synth

#endif  // SYNTH_POSTPROCESS_H_
