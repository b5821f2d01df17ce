#include "model/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "synth/config.h"
#include "synth/precision.h"

namespace synth {
namespace {

using testing::HasSubstr;

ModelConfig ConfigOf(int hidden_size, int intermediate_size) {
  ModelConfig config;
  config.hidden_size = hidden_size;
  config.intermediate_size = intermediate_size;
  config.num_attention_heads = 1;
  config.max_position_embeddings = 16;
  return config;
}

TEST(LimitsTest, Int8BoundsTheDepthOfProducts) {
  EXPECT_TRUE(CheckLimits(ConfigOf(131'072, 131'072), Precision::kInt8).ok());
  const absl::Status hidden = CheckLimits(ConfigOf(131'073, 64), Precision::kInt8);
  EXPECT_TRUE(absl::IsInvalidArgument(hidden));
  EXPECT_THAT(std::string(hidden.message()),
              HasSubstr("hidden_size: expected at most 131072 in precision int8, found 131073"));
  const absl::Status inner = CheckLimits(ConfigOf(64, 200'000), Precision::kInt8);
  EXPECT_TRUE(absl::IsInvalidArgument(inner));
  EXPECT_THAT(
      std::string(inner.message()),
      HasSubstr("intermediate_size: expected at most 131072 in precision int8, found 200000"));
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    EXPECT_TRUE(CheckLimits(ConfigOf(200'000, 200'000), precision).ok());
  }
}

TEST(LimitsTest, PrecomputedAttention) {
  ModelConfig config = ConfigOf(64, 64);
  config.attention = {FactorizedRandomSpec{}};
  EXPECT_TRUE(CheckLimits(config, Precision::kF32).ok());
  config.max_position_embeddings = 1 << 20;
  const absl::Status status = CheckLimits(config, Precision::kF32);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_position_embeddings: the precomputed"));
}

}  // namespace
}  // namespace synth
