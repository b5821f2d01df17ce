#ifndef SYNTH_HELPERS_H_
#define SYNTH_HELPERS_H_

#include "absl/functional/function_ref.h"

namespace synth {

// Threads that a caller lends to Model::Forward. The engine starts no threads of its own: without
// helpers, all work is done on the thread that calls Forward. A pool of threads serves as helpers
// if it implements these three functions:
//
//   class PoolHelpers final : public synth::Helpers {
//     int max_threads() const override { return pool.size(); }
//     int threads() const override { return 1 + pool.idle(); }
//     void Run(int count, absl::FunctionRef<void(int part, int thread)> part) override {
//       pool.ParallelFor(count, [&](int i) { part(i, pool.NumberOfThisThread()); });
//     }
//   };
//
// Several callers may share one object; all three functions may be called from any thread.
class Helpers {
 public:
  virtual ~Helpers() = default;

  // The largest number of threads that ever work at the same time, counted over all callers.
  // Constant.
  virtual int max_threads() const = 0;

  // How many threads could work now, the caller's own included: 1 .. max_threads(). The number is
  // only a hint: Run may use fewer threads.
  virtual int threads() const = 0;

  // Calls part(0, t), part(1, t'), ... up to part(count - 1, t''), each exactly once, and returns
  // when all of them have returned. The calls may run at the same time on any threads. t is the
  // number of the thread that makes the call, 0 .. max_threads() - 1. Two threads working at the
  // same time never share a number, even for different callers.
  virtual void Run(int count, absl::FunctionRef<void(int part, int thread)> part) = 0;
};

// Helpers without help: all parts run on the calling thread, which has the number `thread`. A
// worker needs it if its workspace came from Model::MakeWorkspaces and it computes alone. Its
// number must be its own (see Helpers::Run).
class OneThread final : public Helpers {
 public:
  OneThread(int max_threads, int thread) : max_threads_(max_threads), thread_(thread) {}

  int max_threads() const override { return max_threads_; }
  int threads() const override { return 1; }
  void Run(int count, absl::FunctionRef<void(int part, int thread)> part) override {
    for (int i = 0; i < count; ++i) part(i, thread_);
  }

 private:
  const int max_threads_;
  const int thread_;
};

}  // namespace synth

#endif  // SYNTH_HELPERS_H_
