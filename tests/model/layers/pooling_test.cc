#include "model/layers/pooling.h"

#include <gtest/gtest.h>

#include <vector>

#include "synth/config.h"

namespace synth {
namespace {

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
}

TEST(Pooling, OfOneToken) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kCls, Pooling::kMax}) {
    EXPECT_EQ(Pool({-1, 7}, pooling), (std::vector<float>{-1, 7}));
  }
}

}  // namespace
}  // namespace synth
