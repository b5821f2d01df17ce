#include "model/attention/alignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/workspace.h"

namespace synth {
namespace {

// softmax of the first n entries of a row, in double precision.
std::vector<double> NaiveSoftmax(const float* row, Index n) {
  std::vector<double> y(row, row + n);
  const double max = *std::max_element(y.begin(), y.end());
  double sum = 0;
  for (double& v : y) sum += v = std::exp(v - max);
  for (double& v : y) v /= sum;
  return y;
}

// Compares every row of every head at every length.
void ExpectSoftmax(const std::vector<float>& scores, Index heads, Index length) {
  const Alignment alignment(*SupportedKernels().front(), scores, heads, length);
  Workspace workspace;
  for (Index h = 0; h < heads; ++h) {
    for (Index n = 1; n <= length; ++n) {
      const HeadWeights weights = alignment.Compute({nullptr, n, 0, 0}, h, workspace);
      ASSERT_EQ(weights.exp.rows, n);
      ASSERT_EQ(weights.exp.cols, n);
      for (Index i = 0; i < n; ++i) {
        const auto expected = NaiveSoftmax(scores.data() + (h * length + i) * length, n);
        for (Index j = 0; j < n; ++j) {
          const float got = weights.exp.data[i * weights.exp.stride + j] * weights.reciprocal[i];
          ASSERT_NEAR(static_cast<double>(got), expected[static_cast<std::size_t>(j)], 2e-6)
              << "head " << h << ", n " << n << ", row " << i << ", column " << j;
        }
      }
    }
  }
}

std::vector<float> RandomScores(Index size, float deviation) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> scores(static_cast<std::size_t>(size));
  for (float& s : scores) s = normal(generator);
  return scores;
}

TEST(Alignment, IsTheSoftmaxOfEveryLeadingBlock) {
  ExpectSoftmax(RandomScores(Index{3} * 20 * 20, 2), 3, 20);
}

TEST(Alignment, SteepScores) { ExpectSoftmax(RandomScores(Index{2} * 24 * 24, 100), 2, 24); }

TEST(Alignment, TheMaximumBeyondTheBlock) {
  std::vector<float> scores(16);
  scores[3] = 120;  // R = [0, 0, 0, 120]: at n = 3, exp(-120) / (3 exp(-120))
  scores[4 + 3] = 80;
  scores[8 + 2] = -300;
  scores[8 + 3] = 300;
  ExpectSoftmax(scores, 1, 4);
}

TEST(Alignment, KeepsTheScoresOfSteepRowsOnly) {
  std::vector<float> scores(std::size_t{64} * 64);
  const Alignment flat(*SupportedKernels().front(), scores, 1, 64);
  scores[63] = 1000;
  const Alignment one_steep_row(*SupportedKernels().front(), scores, 1, 64);
  EXPECT_EQ(one_steep_row.precomputed_bytes(), flat.precomputed_bytes() + 64 * sizeof(float));
  EXPECT_EQ(flat.precomputed_bytes(), (64 * 64 + 64 * 65 / 2) * sizeof(float));
}

}  // namespace
}  // namespace synth
