#ifndef SYNTH_SERVER_MODELS_TBB_EXECUTOR_H_
#define SYNTH_SERVER_MODELS_TBB_EXECUTOR_H_

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <functional>
#include <utility>

#include "server/models/lane_helpers.h"
#include "server/scheduling/arena.h"
#include "server/scheduling/engine.h"

namespace synth::server {

// Runs tasks on `threads` workers of a oneTBB arena. Workers sleep while there is nothing to do,
// and may be lent to a task that has more to do than others.
class TbbExecutor final : public scheduling::Executor {
 public:
  explicit TbbExecutor(int threads)
      // oneTBB counts the main thread in, which never works here; and by itself it starts no more
      // workers than the machine has cores, whatever the arena asks for.
      : parallelism_(oneapi::tbb::global_control::max_allowed_parallelism,
                     static_cast<std::size_t>(threads) + 1),
        arena_(threads, /*reserved_for_masters=*/0),
        helpers_(threads),
        turns_(*this, threads) {
    arena_.initialize();
  }

  void Enqueue(std::function<void()> task) override { arena_.enqueue(std::move(task)); }

  // For tasks of this executor.
  LaneHelpers& helpers() { return helpers_; }

  // For all models that run here: their fair order and their backlog.
  scheduling::Arena& turns() { return turns_; }

 private:
  oneapi::tbb::global_control parallelism_;
  oneapi::tbb::task_arena arena_;
  LaneHelpers helpers_;
  scheduling::Arena turns_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODELS_TBB_EXECUTOR_H_
