#include "model/attention/static_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "model/attention/static_scores.h"
#include "model/attention/static_sum.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/workspace.h"
#include "synth/half.h"
#include "tests/model/kernel_variants.h"

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

// Scores [H, L, L] as they are.
class GivenScores final : public StaticScores {
 public:
  GivenScores(std::vector<float> scores, Index max_length)
      : scores_(std::move(scores)), max_length_(max_length) {}

  void AddScores(Index head, const Matrix& scores) const override {
    for (Index i = 0; i < scores.rows; ++i) {
      for (Index j = 0; j < scores.cols; ++j) {
        scores.data[i * scores.stride + j] +=
            scores_[static_cast<std::size_t>((head * max_length_ + i) * max_length_ + j)];
      }
    }
  }
  std::size_t bytes() const override { return scores_.size() * sizeof(float); }

 private:
  std::vector<float> scores_;
  Index max_length_;
};

StaticSum Sum(const std::vector<float>& scores, Index max_length) {
  std::vector<std::unique_ptr<const StaticScores>> parts;
  parts.push_back(std::make_unique<GivenScores>(scores, max_length));
  return StaticSum(std::move(parts));
}

// The numbers of row i of what the mix multiplies.
float Number(const MatmulKernels& kernels, const Operand& operand, Index i, Index j) {
  const auto* const row = static_cast<const char*>(operand.words) + i * operand.stride * 4;
  if (kernels.depth_per_word == 1) {
    float x = 0;
    std::memcpy(&x, row + j * 4, sizeof(x));
    return x;
  }
  std::uint16_t half = 0;
  std::memcpy(&half, row + j * 2, sizeof(half));
  return Bfloat16ToFloat(half);
}

// Compares every row of every head at every length.
void ExpectSoftmax(const std::vector<float>& scores, Index heads, Index length) {
  for (const KernelVariant& variant : KernelVariants()) {
    SCOPED_TRACE(variant.name());
    const Kernels kernels = KernelsOf(variant);
    const double tolerance = kernels.attention.depth_per_word == 1 ? 2e-6 : 4e-3;
    const StaticWeights static_weights(kernels, Sum(scores, length), heads, length);
    Scratch scratch;
    for (Index h = 0; h < heads; ++h) {
      for (Index n = 1; n <= length; ++n) {
        const HeadWeights weights = static_weights.Compute({nullptr, n, 0, 0}, h, scratch);
        ASSERT_EQ(weights.exp.rows, n);
        ASSERT_EQ(weights.exp.depth, n);
        for (Index i = 0; i < n; ++i) {
          const auto expected = NaiveSoftmax(scores.data() + (h * length + i) * length, n);
          for (Index j = 0; j < n; ++j) {
            const float got = Number(kernels.attention, weights.exp, i, j) * weights.reciprocal[i];
            ASSERT_NEAR(static_cast<double>(got), expected[static_cast<std::size_t>(j)], tolerance)
                << "head " << h << ", n " << n << ", row " << i << ", column " << j;
          }
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

TEST(StaticWeights, IsTheSoftmaxOfEveryLeadingBlock) {
  ExpectSoftmax(RandomScores(Index{3} * 20 * 20, 2), 3, 20);
}

TEST(StaticWeights, SteepScores) { ExpectSoftmax(RandomScores(Index{2} * 24 * 24, 100), 2, 24); }

TEST(StaticWeights, TheMaximumBeyondTheBlock) {
  std::vector<float> scores(16);
  scores[3] = 120;  // R = [0, 0, 0, 120]: at n = 3, exp(-120) / (3 exp(-120))
  scores[4 + 3] = 80;
  scores[8 + 2] = -300;
  scores[8 + 3] = 300;
  ExpectSoftmax(scores, 1, 4);
}

TEST(StaticWeights, ManyClassesOfLengths) {
  ExpectSoftmax(RandomScores(Index{150} * 150, 30), 1, 150);
}

TEST(StaticWeights, MemoryGrowsWithTheLengthsSeen) {
  const KernelVariant variant = {SupportedIsas().front()->name, Precision::kF32};
  const Index length = 200;
  const StaticWeights static_weights(KernelsOf(variant),
                                     Sum(RandomScores(length * length, 1), length), 1, length);
  Scratch scratch;
  EXPECT_EQ(static_weights.precomputed_bytes(), 0U);
  EXPECT_EQ(static_weights.bytes(), static_cast<std::size_t>(length * length) * sizeof(float));
  const auto after = [&](Index n) {
    static_weights.Compute({nullptr, n, 0, 0}, 0, scratch);
    return static_weights.precomputed_bytes();
  };
  const std::size_t up_to_32 = after(7);
  EXPECT_GE(up_to_32, (32 * 32 + 32 * 32) * sizeof(float));
  EXPECT_LE(up_to_32, (32 * 32 + 32 * 32) * sizeof(float) + 4);
  EXPECT_EQ(after(32), up_to_32);
  const std::size_t up_to_64 = after(33);
  EXPECT_GE(up_to_64 - up_to_32, (64 * 64 + 32 * 64) * sizeof(float));
  EXPECT_EQ(after(1), up_to_64);
  // The longest class ends at L.
  const std::size_t up_to_200 = after(200);
  EXPECT_LE(up_to_200 - up_to_64, (200 * 200 + 72 * 200) * sizeof(float) + 16);
  EXPECT_EQ(after(129), up_to_200);
}

}  // namespace
}  // namespace synth
