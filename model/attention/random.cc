#include "model/attention/random.h"

#include <vector>

#include "model/checkpoint/checkpoint.h"

namespace synth {

std::vector<float> RandomScores(const TensorScope& tensors) { return tensors.Read("random.r"); }

}  // namespace synth
