#include "server/scheduling/cost_model.h"

#include <algorithm>

namespace synth::scheduling {
namespace {

// Weight of the newest batch: the memory is about 20 batches, long enough to even out batch sizes,
// short enough to follow a throttled CPU.
constexpr double kNewest = 0.05;

// Bytes that weigh as much as a batch: a short text takes a few microseconds, which tell little.
constexpr double kBytes = 16'384;

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

void Move(double& value, double measured, double weight) { value += weight * (measured - value); }

// Leaves `order` as it is while it is near enough.
void Follow(double learnt, double& order) {
  if (learnt > order * 1.5 || learnt * 1.5 < order) order = learnt;
}

}  // namespace

void CostModel::LearnBatch(std::int64_t tokens, Duration time) {
  const double per_token = Seconds(time) / static_cast<double>(tokens);
  const bool is_large = tokens >= large_batch_;
  if (!is_measured_ || (is_large && !large_is_measured_)) {
    // A small batch says little of what a token costs: the first large one says it anew.
    seconds_per_token_ = per_token;
    large_is_measured_ = is_large;
  } else if (is_large || per_token < seconds_per_token_) {
    // No token costs more than the share that it has of a batch's time.
    Move(seconds_per_token_, per_token, kNewest);
  } else {
    Move(seconds_per_batch_, Seconds(time) - TokenSeconds(tokens), kNewest);
  }
  is_measured_ = true;
  Follow(seconds_per_token_, order_per_token_);
}

void CostModel::LearnTokenizing(std::int64_t bytes, Duration time) {
  if (bytes <= 0) return;
  const double per_byte = Seconds(time) / static_cast<double>(bytes);
  Move(seconds_per_byte_, per_byte, std::min(1.0, static_cast<double>(bytes) / kBytes) * kNewest);
  Follow(seconds_per_byte_, order_per_byte_);
}

}  // namespace synth::scheduling
