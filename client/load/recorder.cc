#include "client/load/recorder.h"

#include <utility>

namespace synth::load {

Recorder::Recorder(std::chrono::nanoseconds warmup, std::chrono::nanoseconds end,
                   std::chrono::nanoseconds target)
    : warmup_(warmup), end_(end), target_(target) {}

void Recorder::Add(const Sample& sample) {
  const bool ok = sample.code == absl::StatusCode::kOk;
  const MutexLock lock(mutex_);
  if (ok && InWindow(sample.done)) {
    ++measured_.finished_requests;
    measured_.finished_texts += sample.texts;
  }
  if (!InWindow(sample.due)) return;
  ++measured_.requests;
  measured_.lateness.Record(sample.sent - sample.due);
  if (!ok) {
    ++measured_.errors[sample.code];
    return;
  }
  const std::chrono::nanoseconds latency = sample.done - sample.due;
  measured_.latency.Record(latency);
  if (latency <= target_) ++measured_.within_target;
  measured_.texts += sample.texts;
  measured_.failed_texts += sample.failed_texts;
  measured_.truncated_texts += sample.truncated_texts;
  measured_.server_total += sample.server_total;
  measured_.server_queue += sample.server_queue;
  measured_.server_tokenize += sample.server_tokenize;
  measured_.server_compute += sample.server_compute;
}

void Recorder::AddNotSent(std::chrono::nanoseconds due) {
  if (!InWindow(due)) return;
  const MutexLock lock(mutex_);
  ++measured_.requests;
  ++measured_.not_sent;
}

Measurements Recorder::Take() {
  const MutexLock lock(mutex_);
  return std::exchange(measured_, Measurements());
}

}  // namespace synth::load
