#include "server/scheduling/arena.h"

#include <algorithm>
#include <utility>

namespace synth::scheduling {
namespace {

// One turn in so many goes to the member that waits longest, so that a stream of short calls to
// one model cannot keep the long calls of another from ever ending.
constexpr std::uint64_t kOldestEvery = 8;

}  // namespace

Arena::Outlook Arena::Look(double cost) const {
  const MutexLock lock(mutex_);
  const double tag = clock_.TagOf(cost);
  return {.tag = tag, .seconds_ahead = std::max(0.0, seconds_.UpTo(tag))};
}

void Arena::Join(std::span<const Job> jobs) {
  double seconds = 0;
  for (const Job& job : jobs) seconds += job.seconds;
  const auto count = static_cast<std::int64_t>(jobs.size());
  const MutexLock lock(mutex_);
  clock_.Join(jobs.front().tag);
  seconds_.Add(jobs.front().tag, seconds, count);
  jobs_ += count;
}

void Arena::Change(double tag, double seconds, std::int64_t jobs) {
  const MutexLock lock(mutex_);
  seconds_.Add(tag, seconds, jobs);
  jobs_ += jobs;
}

void Arena::Leave(std::span<Job* const> jobs) {
  const MutexLock lock(mutex_);
  double served = 0;
  for (const Job* job : jobs) {
    seconds_.Add(job->tag, -job->seconds, -1);
    served += job->cost;
  }
  clock_.Serve(served);
  jobs_ -= static_cast<std::int64_t>(jobs.size());
  if (jobs_ == 0) clock_.Clear();
}

void Arena::Enqueue(const Member& member, std::function<void()> turn) {
  {
    const MutexLock lock(mutex_);
    pending_.push_back({.member = &member, .turn = std::move(turn)});
  }
  // Which turn it will be is decided when a lane is free.
  executor_.Enqueue([this] { RunNext(); });
}

void Arena::RunNext() {
  std::function<void()> turn;
  {
    const MutexLock lock(mutex_);
    auto next = pending_.begin();
    if (++turns_ % kOldestEvery != 0) {
      next = std::ranges::min_element(pending_, {}, [](const Pending& pending) {
        return pending.member->first_tag.load(std::memory_order_relaxed);
      });
    }
    turn = std::move(next->turn);
    pending_.erase(next);
  }
  turn();
}

}  // namespace synth::scheduling
