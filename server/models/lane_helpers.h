#ifndef SYNTH_SERVER_MODELS_LANE_HELPERS_H_
#define SYNTH_SERVER_MODELS_LANE_HELPERS_H_

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>

#include "absl/functional/function_ref.h"
#include "synth/model.h"

namespace synth::server {

// Lets idle lanes help a lane that computes: they are threads of the same arena. If a lane becomes
// busy meanwhile, the others do its share. All models of an arena share one LaneHelpers, because
// they share the threads. Call Run only inside the arena. Thread-safe.
class LaneHelpers final : public Helpers {
 public:
  explicit LaneHelpers(int lanes) : lanes_(lanes) {}

  // As long as it lives, its lane counts as computing.
  class Busy {
   public:
    explicit Busy(LaneHelpers& helpers) : helpers_(helpers) { ++helpers_.busy_; }
    ~Busy() { --helpers_.busy_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    LaneHelpers& helpers_;
  };

  int max_threads() const override { return lanes_; }
  // A caller that is not Busy counts as if it were.
  int threads() const override { return std::clamp(lanes_ - busy_.load() + 1, 1, lanes_); }

  void Run(int count, absl::FunctionRef<void(int, int)> part) override {
    if (count == 1) return part(0, Thread());
    // Isolated: while it waits for the others, this thread must not start the turn of a lane.
    oneapi::tbb::this_task_arena::isolate([&] {
      oneapi::tbb::parallel_for(
          0, count, [&](int i) { part(i, Thread()); }, oneapi::tbb::static_partitioner());
    });
  }

 private:
  // oneTBB numbers the threads of an arena from 0, but the only one of an arena for one may be 1.
  int Thread() const { return oneapi::tbb::this_task_arena::current_thread_index() % lanes_; }

  const int lanes_;
  std::atomic<int> busy_ = 0;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODELS_LANE_HELPERS_H_
