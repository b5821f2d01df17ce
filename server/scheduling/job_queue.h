#ifndef SYNTH_SERVER_SCHEDULING_JOB_QUEUE_H_
#define SYNTH_SERVER_SCHEDULING_JOB_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "server/scheduling/job.h"

namespace synth::scheduling {

// Jobs in fair order, and the tokens they add up to: by their calls' tags, between equal tags by
// the calls' arrival, and within a call by sequence number. A job costs O(log calls). Not
// thread-safe: the scheduler guards it.
class JobQueue {
 public:
  // Inserts a job behind those of the same call and sequence number.
  void Push(Job* job);
  // The windows of a text, which have one sequence number and stand together, take their place at
  // once: there may be thousands.
  void Push(std::span<Job* const> jobs);

  enum class First {
    kFair,    // the call with the lowest tag
    kOldest,  // the call that came first, then the fair order
  };
  struct Limits {
    std::size_t jobs = std::numeric_limits<std::size_t>::max();
    std::int64_t tokens = std::numeric_limits<std::int64_t>::max();
    std::size_t bytes = std::numeric_limits<std::size_t>::max();  // of the jobs' texts
  };
  // Takes jobs up to the limits in sum, but always at least one. Stops at the first that does not
  // fit, so that no job is overtaken.
  std::vector<Job*> Take(const Limits& limits, First first = First::kFair);

  // The job that the next Take would begin with; null if there is none.
  const Job* Front(First first = First::kFair) const;

  bool empty() const { return calls_.empty(); }
  std::size_t size() const { return size_; }
  std::int64_t tokens() const { return tokens_; }

 private:
  using Key = std::pair<double, std::uint64_t>;  // tag and number of a call
  using Calls = std::map<Key, std::deque<Job*>>;

  Calls calls_;                                      // none is empty
  std::map<std::uint64_t, Calls::iterator> by_age_;  // the same by number
  std::size_t size_ = 0;
  std::int64_t tokens_ = 0;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_JOB_QUEUE_H_
