// What a layer costs, by formula. Letters as in docs/checkpoint.md, with n tokens in a text and M
// parts in a mixture.
#ifndef SYNTH_CLIENT_INSPECT_COST_H_
#define SYNTH_CLIENT_INSPECT_COST_H_

#include <cstdint>
#include <string>

#include "synth/config.h"

namespace synth::inspect {

// "factorized_random(k=8)"; a mixture with its parts: "mixture(random(fixed) + dot_product)".
std::string SourceName(const AttentionSpec& spec);

// What the score source learns, as a formula and as its value, biases included:
//   dot_product        2D² + 2D
//   dense              D² + D + D·L + H·L
//   factorized_dense   D² + D + D(a + b)
//   random             H·L²
//   factorized_random  2·H·L·k
//   mixture            its parts' + H·M
struct ScoreParameters {
  std::string formula;
  std::int64_t count = 0;
};
ScoreParameters CountScoreParameters(const AttentionSpec& spec, const ModelConfig& config);

// Multiply-adds for each token of a text of n tokens. Embeddings, norms, activations, softmax and
// the classifier are left out.
struct Cost {
  std::int64_t value_output = 0;  // the value and output projections: 2D²
  // dot_product: 2D² + n·D; dense: D² + n·D; factorized_dense: D² + D(a + b) + n·H; random and
  // factorized_random: 0, as they are computed before any text comes; a mixture: its parts'.
  std::int64_t scores = 0;
  std::int64_t mix = 0;           // softmax(S) · values: n·D
  std::int64_t feed_forward = 0;  // 2D·F

  std::int64_t total() const { return value_output + scores + mix + feed_forward; }
};
Cost CountMultiplyAdds(const AttentionSpec& spec, const ModelConfig& config, int tokens);

}  // namespace synth::inspect

#endif  // SYNTH_CLIENT_INSPECT_COST_H_
