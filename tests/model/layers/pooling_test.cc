#include "model/layers/pooling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "synth/config.h"

namespace synth {
namespace {

using testing::FloatEq;
using testing::Pointwise;

std::vector<float> Pool(const std::vector<float>& hidden, Pooling pooling) {
  std::vector<float> pooled(2, 99);
  PoolTokens(hidden, pooling, pooled);
  return pooled;
}

TEST(Pooling, OfThreeTokens) {
  const std::vector<float> hidden = {-1, -2, 4, -8, 6, -5};
  EXPECT_EQ(Pool(hidden, Pooling::kMean), (std::vector<float>{3, -5}));
  EXPECT_EQ(Pool(hidden, Pooling::kCls), (std::vector<float>{-1, -2}));
  EXPECT_EQ(Pool(hidden, Pooling::kMax), (std::vector<float>{6, -2}));
  EXPECT_EQ(Pool(hidden, Pooling::kLastToken), (std::vector<float>{6, -5}));
  // (-1 + 2 * 4 + 3 * 6) / 6, (-2 - 2 * 8 - 3 * 5) / 6
  EXPECT_EQ(Pool(hidden, Pooling::kWeightedMean), (std::vector<float>{25.0F / 6, -5.5F}));
  EXPECT_THAT(Pool(hidden, Pooling::kMeanSqrtLen),
              Pointwise(FloatEq(), {9 / std::sqrt(3.0F), -15 / std::sqrt(3.0F)}));
}

TEST(Pooling, OfOneToken) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kCls, Pooling::kMax, Pooling::kMeanSqrtLen,
                                Pooling::kWeightedMean, Pooling::kLastToken}) {
    EXPECT_EQ(Pool({-1, 7}, pooling), (std::vector<float>{-1, 7}));
  }
}

}  // namespace
}  // namespace synth
