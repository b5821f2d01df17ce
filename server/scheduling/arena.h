#ifndef SYNTH_SERVER_SCHEDULING_ARENA_H_
#define SYNTH_SERVER_SCHEDULING_ARENA_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "server/base/mutex.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/fair_clock.h"
#include "server/scheduling/job.h"
#include "server/scheduling/tag_sums.h"

namespace synth::scheduling {

// Lanes that the schedulers of several models share: one fair order of all their calls, one
// backlog in seconds, and turns for the model whose call is next in that order.
//
// Thread-safe. Calls nobody back while it holds its mutex; schedulers may call it while they hold
// theirs.
class Arena {
 public:
  // `executor` runs `lanes` (1 or more) tasks at a time, and must outlive the arena.
  Arena(Executor& executor, int lanes) : executor_(executor), lanes_(lanes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  int lanes() const { return lanes_; }

  struct Outlook {
    double tag = 0;            // the call's place in the fair order
    double seconds_ahead = 0;  // lane seconds of the work that stands before it
  };
  // How a call of `cost` lane seconds would stand now.
  Outlook Look(double cost) const;

  // Jobs of one call (one or more, with tag, cost and seconds set) are in the backlog from now on.
  void Join(std::span<const Job> jobs);
  // The backlog holds `jobs` more members (windows) and `seconds` more at that tag.
  void Change(double tag, double seconds, std::int64_t jobs);
  // Jobs that are done or dropped.
  void Leave(std::span<Job* const> jobs);

  // A scheduler as the arena sees it.
  struct Member {
    // The lowest tag of the member's queued jobs.
    std::atomic<double> first_tag{std::numeric_limits<double>::infinity()};
  };
  // Runs `turn` on a lane once it is the turn of `member`, which must live until then.
  void Enqueue(const Member& member, std::function<void()> turn);

 private:
  struct Pending {
    const Member* member;
    std::function<void()> turn;
  };
  void RunNext();

  Executor& executor_;
  const int lanes_;

  mutable Mutex mutex_;
  FairClock clock_ SYNTH_GUARDED_BY(mutex_);
  TagSums seconds_ SYNTH_GUARDED_BY(mutex_);
  std::int64_t jobs_ SYNTH_GUARDED_BY(mutex_) = 0;
  std::vector<Pending> pending_ SYNTH_GUARDED_BY(mutex_);  // oldest first
  std::uint64_t turns_ SYNTH_GUARDED_BY(mutex_) = 0;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_ARENA_H_
