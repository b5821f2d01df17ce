#ifndef SYNTH_SERVER_BASE_LOG_LIMIT_H_
#define SYNTH_SERVER_BASE_LOG_LIMIT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace synth {

// Decides which events get a line in the log: of each kind the first one at once, then at most one
// in `interval`, with the number since. What a client repeats is a line, not a flood. Kinds are
// kept for ever, so `Key` must be something that clients cannot make up. Thread-safe.
template <typename Key>
class LogLimit {
 public:
  // `now` is the clock, for tests.
  explicit LogLimit(Duration interval = std::chrono::seconds(10),
                    std::function<TimePoint()> now = Clock::now)
      : interval_(interval), now_(std::move(now)) {}

  // Counts an event. If it should be logged: the number of events of its kind since the last that
  // was, this one included.
  std::optional<std::int64_t> Count(const Key& kind) {
    const TimePoint now = now_();
    const MutexLock lock(mutex_);
    const auto [entry, is_new] = kinds_.try_emplace(kind);
    Kind& events = entry->second;
    ++events.since;
    if (!is_new && now - events.last_logged < interval_) return std::nullopt;
    events.last_logged = now;
    return std::exchange(events.since, 0);
  }

 private:
  struct Kind {
    TimePoint last_logged;
    std::int64_t since = 0;
  };
  const Duration interval_;
  const std::function<TimePoint()> now_;
  Mutex mutex_;
  std::map<Key, Kind> kinds_ SYNTH_GUARDED_BY(mutex_);
};

}  // namespace synth

#endif  // SYNTH_SERVER_BASE_LOG_LIMIT_H_
