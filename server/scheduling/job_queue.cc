#include "server/scheduling/job_queue.h"

#include <algorithm>

namespace synth::scheduling {

void JobQueue::Push(Job* job) { Push({&job, 1}); }

void JobQueue::Push(std::span<Job* const> jobs) {
  while (!jobs.empty()) {
    const Job& head = *jobs.front();
    const auto others = std::ranges::find_if(jobs, [&](const Job* job) {
      return job->call != head.call || job->sequence != head.sequence;
    });
    const auto [call, is_new] = calls_.try_emplace({head.tag, head.call});
    if (is_new) by_age_.emplace(head.call, call);
    std::deque<Job*>& queue = call->second;
    const auto place = std::ranges::upper_bound(queue, head.sequence, {}, &Job::sequence);
    queue.insert(place, jobs.begin(), others);
    for (auto job = jobs.begin(); job != others; ++job) tokens_ += (*job)->tokens;
    size_ += static_cast<std::size_t>(others - jobs.begin());
    jobs = {others, jobs.end()};
  }
}

std::vector<Job*> JobQueue::Take(const Limits& limits, First first) {
  std::vector<Job*> taken;
  std::int64_t tokens = 0;
  std::size_t bytes = 0;
  while (!calls_.empty()) {
    const auto call =
        taken.empty() && first == First::kOldest ? by_age_.begin()->second : calls_.begin();
    bool is_full = false;
    std::deque<Job*>& queue = call->second;
    while (!queue.empty() && !is_full) {
      Job* job = queue.front();
      is_full =
          !taken.empty() && (taken.size() == limits.jobs || tokens + job->tokens > limits.tokens ||
                             bytes + job->bytes() > limits.bytes);
      if (is_full) break;
      taken.push_back(job);
      tokens += job->tokens;
      bytes += job->bytes();
      queue.pop_front();
    }
    if (is_full) break;
    by_age_.erase(call->first.second);
    calls_.erase(call);
  }
  size_ -= taken.size();
  tokens_ -= tokens;
  return taken;
}

const Job* JobQueue::Front(First first) const {
  if (calls_.empty()) return nullptr;
  const auto& call = first == First::kOldest ? *by_age_.begin()->second : *calls_.begin();
  return call.second.front();
}

}  // namespace synth::scheduling
