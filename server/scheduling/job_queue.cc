#include "server/scheduling/job_queue.h"

#include <algorithm>

namespace synth::scheduling {

void JobQueue::Push(Job* job) {
  auto place = jobs_.end();
  while (place != jobs_.begin() && (*std::prev(place))->sequence > job->sequence) --place;
  jobs_.insert(place, job);
  tokens_ += job->tokens;
}

std::vector<Job*> JobQueue::TakeOldest(std::size_t max_jobs, std::int64_t max_tokens) {
  std::vector<Job*> taken;
  std::int64_t taken_tokens = 0;
  while (!jobs_.empty() && taken.size() < max_jobs) {
    Job* job = jobs_.front();
    if (!taken.empty() && taken_tokens + job->tokens > max_tokens) break;
    taken.push_back(job);
    taken_tokens += job->tokens;
    jobs_.pop_front();
  }
  tokens_ -= taken_tokens;
  return taken;
}

}  // namespace synth::scheduling
