#ifndef SYNTH_CLIENT_LOAD_RECORDER_H_
#define SYNTH_CLIENT_LOAD_RECORDER_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <map>

#include "absl/status/status.h"
#include "client/load/histogram.h"
#include "server/base/mutex.h"

namespace synth::load {

// One finished request. Instants are offsets from the start of the run.
struct Sample {
  std::chrono::nanoseconds due{0};   // when it had to be sent
  std::chrono::nanoseconds sent{0};  // when it was
  std::chrono::nanoseconds done{0};
  absl::StatusCode code = absl::StatusCode::kOk;
  // The rest only for kOk. Server times in seconds, as the response gave them.
  uint64_t texts = 0;
  uint64_t failed_texts = 0;
  uint64_t truncated_texts = 0;
  double server_total = 0;
  double server_queue = 0;
  double server_tokenize = 0;
  double server_compute = 0;
};

// What a run measured, in its window [warmup, end).
struct Measurements {
  // Of the requests that were due in the window.
  Histogram latency;   // of successful ones, from when they were due
  Histogram lateness;  // of all, from when they were due to when they were sent
  uint64_t requests = 0;
  uint64_t within_target = 0;  // successful, and not slower than the target
  std::map<absl::StatusCode, uint64_t> errors;
  uint64_t not_sent = 0;  // too many requests were under way already
  uint64_t texts = 0;     // of successful requests, as the following
  uint64_t failed_texts = 0;
  uint64_t truncated_texts = 0;
  double server_total = 0;  // seconds, summed
  double server_queue = 0;
  double server_tokenize = 0;
  double server_compute = 0;

  // Of the requests that finished successfully in the window, whenever they were due: the
  // throughput.
  uint64_t finished_requests = 0;
  uint64_t finished_texts = 0;
};

// Collects the samples of a run. Thread-safe.
class Recorder {
 public:
  // `target`: the latency up to which a request counts as good.
  Recorder(std::chrono::nanoseconds warmup, std::chrono::nanoseconds end,
           std::chrono::nanoseconds target);

  void Add(const Sample& sample);
  // A request that was due but could not be sent.
  void AddNotSent(std::chrono::nanoseconds due);

  // Leaves the recorder empty.
  Measurements Take();

 private:
  bool InWindow(std::chrono::nanoseconds instant) const {
    return instant >= warmup_ && instant < end_;
  }

  const std::chrono::nanoseconds warmup_;
  const std::chrono::nanoseconds end_;
  const std::chrono::nanoseconds target_;
  Mutex mutex_;
  Measurements measured_ SYNTH_GUARDED_BY(mutex_);
};

}  // namespace synth::load

#endif  // SYNTH_CLIENT_LOAD_RECORDER_H_
