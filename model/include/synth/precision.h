#ifndef SYNTH_PRECISION_H_
#define SYNTH_PRECISION_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace synth {

// What the products of a model are computed in. Residual stream, softmax, norms and the classifier
// stay in f32 in every precision.
enum class Precision : std::uint8_t {
  kF32,   // everywhere
  kBf16,  // linear layers, scores and attention mix in bfloat16, summed in f32: AVX512_BF16
  // Linear layers in 8-bit integers, with a scale per output channel of the weights and per token
  // of the activations: AVX512_VNNI. Scores and attention mix in bfloat16 where the processor has
  // it.
  kInt8,
};

// "f32", "bf16" or "int8".
std::string_view ToString(Precision precision);

// By its name; "auto" is bf16 where this machine has the instructions for it, f32 elsewhere.
// INVALID_ARGUMENT for any other name.
absl::StatusOr<Precision> ParsePrecision(std::string_view name);

}  // namespace synth

#endif  // SYNTH_PRECISION_H_
