#ifndef SYNTH_SERVER_BASE_MUTEX_H_
#define SYNTH_SERVER_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

// Clang's thread-safety attributes, so that -Wthread-safety proves which members a lock guards.
#if defined(__clang__)
#define SYNTH_ATTRIBUTE(x) __attribute__((x))
#else
#define SYNTH_ATTRIBUTE(x)
#endif
#define SYNTH_GUARDED_BY(mutex) SYNTH_ATTRIBUTE(guarded_by(mutex))
#define SYNTH_REQUIRES(mutex) SYNTH_ATTRIBUTE(requires_capability(mutex))

namespace synth {

// std::mutex with those attributes. (absl::Mutex is not instrumented in Debian's build, and
// ThreadSanitizer then reports races that are none.)
class SYNTH_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() SYNTH_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void Unlock() SYNTH_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

  // Waits for `condition` to be signalled; the lock is held before and after.
  void Wait(std::condition_variable& condition) SYNTH_REQUIRES(this) {
    std::unique_lock<std::mutex> lock(mutex_, std::adopt_lock);
    condition.wait(lock);
    lock.release();
  }

  // The same, but gives up at `deadline`: false then.
  bool WaitUntil(std::condition_variable& condition, std::chrono::steady_clock::time_point deadline)
      SYNTH_REQUIRES(this) {
    std::unique_lock<std::mutex> lock(mutex_, std::adopt_lock);
    const std::cv_status status = condition.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

 private:
  std::mutex mutex_;
};

class SYNTH_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SYNTH_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() SYNTH_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace synth

#endif  // SYNTH_SERVER_BASE_MUTEX_H_
