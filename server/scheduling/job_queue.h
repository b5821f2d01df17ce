#ifndef SYNTH_SERVER_SCHEDULING_JOB_QUEUE_H_
#define SYNTH_SERVER_SCHEDULING_JOB_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "server/scheduling/job.h"

namespace synth::scheduling {

// Jobs by age, and the tokens they add up to. Not thread-safe: the scheduler guards it.
class JobQueue {
 public:
  // Inserts by sequence number, behind those of the same number.
  void Push(Job* job);
  // The windows of a text, which have one sequence number and stand together, take their place at
  // once: there may be thousands.
  void Push(std::span<Job* const> jobs);

  // Takes the oldest jobs: at most `max_jobs`, and up to `max_tokens` in sum but always at least
  // one. Stops at the first that does not fit, so that no job is overtaken.
  std::vector<Job*> TakeOldest(std::size_t max_jobs, std::int64_t max_tokens);

  bool empty() const { return jobs_.empty(); }
  std::size_t size() const { return jobs_.size(); }
  std::int64_t tokens() const { return tokens_; }

 private:
  std::deque<Job*> jobs_;
  std::int64_t tokens_ = 0;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_JOB_QUEUE_H_
