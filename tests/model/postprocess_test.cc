#include "synth/postprocess.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "synth/config.h"

namespace synth {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

std::vector<float> Probabilities(ProblemType type, std::vector<float> logits) {
  LogitsToProbabilities(type, logits);
  return logits;
}

TEST(Scores, Softmax) {
  const auto p = Probabilities(ProblemType::kSingleLabel, {1, 2, 3});
  EXPECT_NEAR(p[0], 0.09003057F, 1e-7F);
  EXPECT_NEAR(p[1], 0.24472847F, 1e-7F);
  EXPECT_NEAR(p[2], 0.66524096F, 1e-7F);
  EXPECT_EQ(Probabilities(ProblemType::kSingleLabel, {7}), (std::vector<float>{1}));
}

TEST(Scores, SoftmaxOfExtremes) {
  const auto steep = Probabilities(ProblemType::kSingleLabel, {-100, 5});
  EXPECT_NEAR(steep[0], 0.0F, 1e-40F);
  EXPECT_EQ(steep[1], 1.0F);
  EXPECT_EQ(Probabilities(ProblemType::kSingleLabel, {1000, -1000}), (std::vector<float>{1, 0}));
  EXPECT_EQ(Probabilities(ProblemType::kSingleLabel, {kLargest, -kLargest}),
            (std::vector<float>{1, 0}));
  EXPECT_EQ(Probabilities(ProblemType::kSingleLabel, {kLargest, kLargest}),
            (std::vector<float>{0.5F, 0.5F}));
}

TEST(Scores, ARegressionKeepsItsNumbers) {
  const std::vector<float> numbers = {3.5F, -1000, 0, kLargest};
  EXPECT_EQ(Probabilities(ProblemType::kRegression, numbers), numbers);
}

TEST(Scores, Sigmoid) {
  const auto p = Probabilities(ProblemType::kMultiLabel, {0, 1000, -1000, 2, kLargest, -kLargest});
  EXPECT_EQ(p[0], 0.5F);
  EXPECT_EQ(p[1], 1.0F);
  EXPECT_EQ(p[2], 0.0F);
  EXPECT_NEAR(p[3], 0.880797F, 1e-6F);
  EXPECT_EQ(p[4], 1.0F);
  EXPECT_EQ(p[5], 0.0F);
}

TEST(Scores, TopK) {
  const std::vector<float> values = {0.1F, 0.4F, 0.4F, 0.05F, 0.05F};
  EXPECT_EQ(TopK(values, 3), (std::vector<int>{1, 2, 0}));
  EXPECT_EQ(TopK(values, 1), (std::vector<int>{1}));
  EXPECT_EQ(TopK(values, 0), (std::vector<int>{1, 2, 0, 3, 4}));
  EXPECT_EQ(TopK(values, 99), (std::vector<int>{1, 2, 0, 3, 4}));
  EXPECT_TRUE(TopK({}, 3).empty());
}

TEST(Scores, L2Normalize) {
  std::vector<float> v = {3, -4};
  L2Normalize(v);
  EXPECT_EQ(v, (std::vector<float>{0.6F, -0.8F}));
  v = {0, 0, 0};
  L2Normalize(v);
  EXPECT_EQ(v, (std::vector<float>{0, 0, 0}));
  for (const float extreme : {kLargest, kSmallest, -kLargest}) {
    v = {extreme, 0, extreme};
    L2Normalize(v);
    EXPECT_NEAR(std::abs(v[0]), std::sqrt(0.5F), 1e-6F);
    EXPECT_EQ(v[1], 0.0F);
  }
}

TEST(Scores, OutOfScope) {
  const std::vector<float> logits = {1, 2, 3};
  EXPECT_NEAR(ComputeOutOfScopeScore(OutOfScopeScore::kMaxProbability, logits), 1 - 0.66524096F,
              1e-6F);
  EXPECT_NEAR(ComputeOutOfScopeScore(OutOfScopeScore::kEnergy, logits), -3.407606F, 1e-6F);
  const std::vector<float> extreme = {kLargest, -kLargest};
  EXPECT_EQ(ComputeOutOfScopeScore(OutOfScopeScore::kMaxProbability, extreme), 0.0F);
  EXPECT_EQ(ComputeOutOfScopeScore(OutOfScopeScore::kEnergy, extreme), -kLargest);
}

TEST(AllFiniteTest, FindsNanAndInfinityWhereverTheyStand) {
  EXPECT_TRUE(AllFinite({}));
  const std::vector<float> good = {0, -0.0F, std::numeric_limits<float>::max(),
                                   std::numeric_limits<float>::denorm_min()};
  EXPECT_TRUE(AllFinite(good));
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::vector<float> values = good;
      values[i] = bad;
      EXPECT_FALSE(AllFinite(values)) << bad << " at " << i;
    }
  }
}

TEST(PoolWindows, MeanAndMaximum) {
  const std::vector<std::vector<float>> windows = {{-1, 2}, {4, -8}, {6, 0}};
  std::vector<float> pooled(2, 99);
  PoolWindows(windows, Pooling::kMean, pooled);
  EXPECT_EQ(pooled, (std::vector<float>{3, -2}));
  PoolWindows(windows, Pooling::kCls, pooled);
  EXPECT_EQ(pooled, (std::vector<float>{3, -2}));
  PoolWindows(windows, Pooling::kMax, pooled);
  EXPECT_EQ(pooled, (std::vector<float>{6, 2}));
}

TEST(PoolWindows, OneWindowIsTheText) {
  std::vector<std::vector<float>> windows = {{0.1F, -7.3F}};
  for (const Pooling pooling : {Pooling::kMean, Pooling::kCls, Pooling::kMax, Pooling::kMeanSqrtLen,
                                Pooling::kWeightedMean, Pooling::kLastToken}) {
    std::vector<float> pooled(2, 99);
    PoolWindows(windows, pooling, pooled);
    EXPECT_EQ(pooled, windows.front());
  }
}

TEST(PoolWindows, StaysFiniteAndMayWriteIntoAWindow) {
  const float most = std::numeric_limits<float>::max();
  std::vector<std::vector<float>> windows = {{most, 1}, {most, 3}, {most, 5}};
  PoolWindows(windows, Pooling::kMean, windows.front());
  EXPECT_EQ(windows.front(), (std::vector<float>{most, 3}));
}

}  // namespace
}  // namespace synth
