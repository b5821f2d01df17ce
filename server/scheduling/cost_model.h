#ifndef SYNTH_SERVER_SCHEDULING_COST_MODEL_H_
#define SYNTH_SERVER_SCHEDULING_COST_MODEL_H_

#include <cstdint>

#include "server/base/clock.h"

namespace synth::scheduling {

// What work costs, in seconds of one lane, learnt from what it took:
//   tokenizing = bytes of text * seconds per byte
//   a batch    = seconds per batch + tokens * seconds per token
// Not thread-safe: the scheduler guards it.
class CostModel {
 public:
  // Batches of `large_batch` tokens or more (1 or more) teach the cost of a token, smaller ones
  // what a batch costs by itself.
  explicit CostModel(std::int64_t large_batch) : large_batch_(large_batch) {}

  void LearnBatch(std::int64_t tokens, Duration time);
  void LearnTokenizing(std::int64_t bytes, Duration time);

  double TokenSeconds(std::int64_t tokens) const {
    return static_cast<double>(tokens) * seconds_per_token_;
  }
  double ByteSeconds(std::int64_t bytes) const {
    return static_cast<double>(bytes) * seconds_per_byte_;
  }
  double batch_seconds() const { return seconds_per_batch_; }

  // The cost that decides the order. It follows what was learnt in steps of a half, so that calls
  // of one length keep the order of their arrival while the measurements vary.
  double OrderSeconds(std::int64_t tokens, std::int64_t bytes) const {
    return static_cast<double>(tokens) * order_per_token_ +
           static_cast<double>(bytes) * order_per_byte_;
  }

  // Whether a batch was measured. Before, the costs are guesses that put calls in order; nobody
  // should be refused for them.
  bool is_measured() const { return is_measured_; }

 private:
  const std::int64_t large_batch_;
  bool is_measured_ = false;
  bool large_is_measured_ = false;
  // Guesses before the first measurement, of a small model on one core.
  double seconds_per_token_ = 20e-6;
  double seconds_per_byte_ = 100e-9;
  double seconds_per_batch_ = 0;
  double order_per_token_ = seconds_per_token_;
  double order_per_byte_ = seconds_per_byte_;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_COST_MODEL_H_
