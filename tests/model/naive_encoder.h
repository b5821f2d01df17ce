#ifndef SYNTH_TESTS_MODEL_NAIVE_ENCODER_H_
#define SYNTH_TESTS_MODEL_NAIVE_ENCODER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "synth/config.h"
#include "tests/model/test_checkpoint.h"

namespace synth {

// The hidden states [n, D] of one text: docs/checkpoint.md written down in double precision, with
// Eigen and without any of the engine's code or tricks.
std::vector<double> NaiveForward(const ModelConfig& config, const TestTensors& tensors,
                                 std::span<const std::int32_t> token_ids);

}  // namespace synth

#endif  // SYNTH_TESTS_MODEL_NAIVE_ENCODER_H_
