#ifndef SYNTH_SERVER_LANE_HELPERS_H_
#define SYNTH_SERVER_LANE_HELPERS_H_

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>

#include "absl/functional/function_ref.h"
#include "synth/model.h"

namespace synth::server {

// Idle lanes, as helpers of a lane that computes: the threads of the arena that the caller's lane
// runs in. A lane that gets busy meanwhile leaves its share to the others.
class LaneHelpers final : public Helpers {
 public:
  explicit LaneHelpers(int lanes) : lanes_(lanes) {}

  // While it lives, its lane computes.
  class Busy {
   public:
    explicit Busy(LaneHelpers& helpers) : helpers_(helpers) { ++helpers_.busy_; }
    ~Busy() { --helpers_.busy_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    LaneHelpers& helpers_;
  };

  int threads() const override { return std::max(1, lanes_ - busy_.load() + 1); }

  void Run(int count, absl::FunctionRef<void(int)> part) override {
    // Isolated: while it waits for the others, this thread must not start the turn of a lane.
    oneapi::tbb::this_task_arena::isolate([&] {
      oneapi::tbb::parallel_for(
          0, count, [&](int i) { part(i); }, oneapi::tbb::static_partitioner());
    });
  }

 private:
  const int lanes_;
  std::atomic<int> busy_ = 0;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_LANE_HELPERS_H_
