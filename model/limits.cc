#include "model/limits.h"

#include <algorithm>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "model/strings.h"
#include "synth/config.h"
#include "synth/precision.h"

namespace synth {
namespace {

// A small file can ask for a great deal of precomputed attention: factorized_random holds H·L·k
// numbers and stands for H·L².
constexpr double kMaxAttentionBytes = 64.0 * (1 << 30);

bool HasStaticScores(const AttentionSpec& spec) {
  if (const auto* mixture = std::get_if<MixtureSpec>(&spec)) {
    return std::ranges::any_of(mixture->parts,
                               [](const SourceSpec& part) { return !DependsOnInput(part); });
  }
  return !DependsOnInput(spec);
}

absl::Status CheckAttentionBytes(const ModelConfig& config) {
  // E and half as many prefix sums, in all classes of lengths (attention/by_length.h).
  constexpr double kBytesPerScore = 7.0 / 3.0 * 1.5 * sizeof(float);
  const double length = config.max_position_embeddings;
  double bytes = 0;
  for (const AttentionSpec& spec : config.attention) {
    if (!HasStaticScores(spec)) continue;
    bytes += kBytesPerScore * config.num_attention_heads * length * length;
  }
  if (bytes <= kMaxAttentionBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat("max_position_embeddings: the precomputed attention would take more than ",
          static_cast<int>(kMaxAttentionBytes / (1 << 30)), " GiB"));
}

// int8 sums in 32 bits (kernels/int8_kernels.cc). Of the numbers there that must fit, the largest
// is what a column's sums start from: 128 Σ r_k with |r_k| <= 127 is up to 16256 times the depth,
// and below 2^31 up to a depth of 132104. (Σ q_k r_k is up to 16129 times the depth; sums on the
// way there may wrap around.) The depths are those of the linear layers: D and F.
constexpr int kMaxInt8Depth = 1 << 17;

absl::Status CheckInt8Depth(std::string_view key, int depth) {
  if (depth <= kMaxInt8Depth) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat(key, ": expected at most ", kMaxInt8Depth, " in precision int8, found ", depth));
}

}  // namespace

absl::Status CheckLimits(const ModelConfig& config, Precision precision) {
  absl::Status status = CheckAttentionBytes(config);
  if (precision == Precision::kInt8) {
    status.Update(CheckInt8Depth("hidden_size", config.hidden_size));
    status.Update(CheckInt8Depth("intermediate_size", config.intermediate_size));
  }
  return status;
}

}  // namespace synth
