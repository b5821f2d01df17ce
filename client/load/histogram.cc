#include "client/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>

namespace synth::load {
namespace {

// Values below 2^kExactBits index their slot directly. A larger value is shifted right until
// kExactBits are left; its shift selects a group of 2^(kExactBits - 1) slots, for the leading bit
// of what is left is always set.
constexpr unsigned kExactBits = 11;
constexpr uint64_t kExactSlots = 1U << kExactBits;
constexpr uint64_t kGroupSlots = kExactSlots / 2;
constexpr unsigned kValueBits = 63;
constexpr uint64_t kSlots = kExactSlots + kGroupSlots * (kValueBits - kExactBits);

std::size_t SlotOf(uint64_t value) {
  if (value < kExactSlots) return value;
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kExactBits;
  return kGroupSlots * shift + (value >> shift);
}

uint64_t MiddleOf(std::size_t slot) {
  if (slot < kExactSlots) return slot;
  const uint64_t shift = slot / kGroupSlots - 1;
  const uint64_t lowest = (slot - kGroupSlots * shift) << shift;
  return lowest + ((uint64_t{1} << shift) >> 1U);
}

std::chrono::nanoseconds Nanoseconds(uint64_t value) {
  return std::chrono::nanoseconds(static_cast<int64_t>(value));
}

}  // namespace

Histogram::Histogram() : slots_(kSlots), min_(std::numeric_limits<uint64_t>::max()) {}

void Histogram::Record(std::chrono::nanoseconds value) {
  const auto count = static_cast<uint64_t>(std::max<int64_t>(value.count(), 0));
  ++slots_[SlotOf(count)];
  ++count_;
  min_ = std::min(min_, count);
  max_ = std::max(max_, count);
  sum_ += static_cast<double>(count);
}

void Histogram::Merge(const Histogram& other) {
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i] += other.slots_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

std::chrono::nanoseconds Histogram::Min() const { return Nanoseconds(count_ == 0 ? 0 : min_); }

std::chrono::nanoseconds Histogram::Max() const { return Nanoseconds(max_); }

double Histogram::MeanNanoseconds() const {
  return count_ == 0 ? 0.0 : sum_ / static_cast<double>(count_);
}

std::chrono::nanoseconds Histogram::Percentile(double percent) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const double fraction = std::clamp(percent, 0.0, 100.0) / 100.0;
  // A little less than the product, so that its rounding does not reach for the next rank.
  const double product = fraction * static_cast<double>(count_) * (1 - 1e-12);
  const uint64_t rank = std::clamp(static_cast<uint64_t>(std::ceil(product)), uint64_t{1}, count_);
  uint64_t seen = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    seen += slots_[i];
    if (seen >= rank) return Nanoseconds(std::clamp(MiddleOf(i), min_, max_));
  }
  return Max();
}

}  // namespace synth::load
