#include "client/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace synth::load {
namespace {

using std::chrono::nanoseconds;

// The nearest-rank percentile, from all values.
int64_t ExactPercentile(std::vector<int64_t> values, double percent) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()) - 1e-9);
  return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

void ExpectClose(const Histogram& histogram, const std::vector<int64_t>& values) {
  for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto exact = static_cast<double>(ExactPercentile(values, percent));
    const auto found = static_cast<double>(histogram.Percentile(percent).count());
    EXPECT_LE(std::abs(found - exact), exact * Histogram::kMaxRelativeError) << "p" << percent;
  }
}

TEST(Histogram, EmptyIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Count(), 0U);
  EXPECT_EQ(histogram.Min().count(), 0);
  EXPECT_EQ(histogram.Max().count(), 0);
  EXPECT_EQ(histogram.MeanNanoseconds(), 0.0);
  EXPECT_EQ(histogram.Percentile(99).count(), 0);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (int64_t value = 0; value < 2048; ++value) histogram.Record(nanoseconds(value));
  EXPECT_EQ(histogram.Percentile(50).count(), 1023);
  EXPECT_EQ(histogram.Percentile(100).count(), 2047);
  EXPECT_EQ(histogram.Min().count(), 0);
}

TEST(Histogram, OneValueIsExactAtAnyPercentile) {
  for (const int64_t value :
       {int64_t{0}, int64_t{1}, int64_t{2047}, int64_t{2048}, int64_t{4095}, int64_t{4096},
        int64_t{123'456'789}, std::numeric_limits<int64_t>::max()}) {
    Histogram histogram;
    histogram.Record(nanoseconds(value));
    EXPECT_EQ(histogram.Percentile(0).count(), value);
    EXPECT_EQ(histogram.Percentile(99.9).count(), value);
  }
}

TEST(Histogram, NegativeCountsAsZero) {
  Histogram histogram;
  histogram.Record(nanoseconds(-5));
  EXPECT_EQ(histogram.Count(), 1U);
  EXPECT_EQ(histogram.Max().count(), 0);
}

TEST(Histogram, PercentilesStayWithinTheErrorBound) {
  std::mt19937_64 random(1);
  for (const double spread : {0.1, 1.0, 3.0}) {
    std::lognormal_distribution<double> latency(std::log(5e6), spread);
    for (const size_t count : {1U, 7U, 1000U, 50'000U}) {
      Histogram histogram;
      std::vector<int64_t> values;
      for (size_t i = 0; i < count; ++i) {
        values.push_back(static_cast<int64_t>(latency(random)));
        histogram.Record(nanoseconds(values.back()));
      }
      ExpectClose(histogram, values);
    }
  }
}

TEST(Histogram, BordersOfSlotsStayWithinTheErrorBound) {
  for (int bit = 11; bit < 62; ++bit) {
    for (const int64_t offset : {-1, 0, 1}) {
      const int64_t value = (int64_t{1} << bit) + offset;
      Histogram histogram;
      histogram.Record(nanoseconds(value));
      // Wide outer values, so that the exact minimum and maximum do not help.
      histogram.Record(nanoseconds(0));
      histogram.Record(nanoseconds(std::numeric_limits<int64_t>::max()));
      const auto found = static_cast<double>(histogram.Percentile(50).count());
      const auto exact = static_cast<double>(value);
      EXPECT_LE(std::abs(found - exact), exact * Histogram::kMaxRelativeError) << value;
    }
  }
}

TEST(Histogram, MergeIsAsIfRecordedTogether) {
  std::mt19937_64 random(2);
  std::uniform_int_distribution<int64_t> latency(100, 1'000'000'000);
  Histogram all;
  Histogram left;
  Histogram right;
  std::vector<int64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(latency(random));
    all.Record(nanoseconds(values.back()));
    (i % 3 == 0 ? left : right).Record(nanoseconds(values.back()));
  }
  left.Merge(right);
  left.Merge(Histogram());
  EXPECT_EQ(left.Count(), all.Count());
  EXPECT_EQ(left.Min(), all.Min());
  EXPECT_EQ(left.Max(), all.Max());
  EXPECT_NEAR(left.MeanNanoseconds(), all.MeanNanoseconds(), 1.0);
  for (const double percent : {1.0, 50.0, 99.0, 99.9}) {
    EXPECT_EQ(left.Percentile(percent), all.Percentile(percent));
  }
  ExpectClose(left, values);
}

}  // namespace
}  // namespace synth::load
