#include "server/scheduling/job_queue.h"

#include <algorithm>

namespace synth::scheduling {

void JobQueue::Push(Job* job) { Push({&job, 1}); }

void JobQueue::Push(std::span<Job* const> jobs) {
  while (!jobs.empty()) {
    const std::uint64_t sequence = jobs.front()->sequence;
    const auto others =
        std::ranges::find_if(jobs, [&](const Job* job) { return job->sequence != sequence; });
    const auto place = std::ranges::upper_bound(jobs_, sequence, {}, &Job::sequence);
    jobs_.insert(place, jobs.begin(), others);
    for (auto job = jobs.begin(); job != others; ++job) tokens_ += (*job)->tokens;
    jobs = {others, jobs.end()};
  }
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
