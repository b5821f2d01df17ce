#include "client/inspect/cost.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "synth/config.h"

namespace synth::inspect {
namespace {

TEST(Cost, FollowsTheFormulas) {
  ModelConfig config;
  config.hidden_size = 8;
  config.num_attention_heads = 2;
  config.intermediate_size = 32;
  config.max_position_embeddings = 12;
  const auto scores = [&config](const AttentionSpec& spec) {
    const Cost cost = CountMultiplyAdds(spec, config, 5);
    EXPECT_EQ(cost.value_output, 2 * 8 * 8);
    EXPECT_EQ(cost.mix, 5 * 8);
    EXPECT_EQ(cost.feed_forward, 2 * 8 * 32);
    EXPECT_EQ(cost.total(), 128 + cost.scores + 40 + 512);
    return cost.scores;
  };
  EXPECT_EQ(scores(DotProductSpec{}), 2 * 64 + 5 * 8);
  EXPECT_EQ(scores(DenseSpec{}), 64 + 5 * 8);
  EXPECT_EQ(scores(FactorizedDenseSpec{4, 3}), 64 + 8 * 7 + 5 * 2);
  EXPECT_EQ(scores(RandomSpec{}), 0);
  EXPECT_EQ(scores(FactorizedRandomSpec{3}), 0);
  EXPECT_EQ(scores(MixtureSpec{{RandomSpec{}, DenseSpec{}, DotProductSpec{}}}), 104 + 168);

  const auto parameters = [&config](const AttentionSpec& spec) {
    return CountScoreParameters(spec, config).count;
  };
  EXPECT_EQ(parameters(DotProductSpec{}), 2 * 64 + 2 * 8);
  EXPECT_EQ(parameters(DenseSpec{}), 64 + 8 + 8 * 12 + 2 * 12);
  EXPECT_EQ(parameters(FactorizedDenseSpec{4, 3}), 64 + 8 + 8 * 7);
  EXPECT_EQ(parameters(RandomSpec{}), 2 * 144);
  EXPECT_EQ(parameters(FactorizedRandomSpec{3}), 2 * 2 * 12 * 3);
  const MixtureSpec mixture{{RandomSpec{false}, FactorizedRandomSpec{3}}};
  EXPECT_EQ(parameters(mixture), 288 + 144 + 2 * 2);
  EXPECT_EQ(CountScoreParameters(mixture, config).formula, "(H·L²) + (2·H·L·k) + H·M");
  EXPECT_EQ(SourceName(mixture), "mixture(random(fixed) + factorized_random(k=3))");
}

}  // namespace
}  // namespace synth::inspect
