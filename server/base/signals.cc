#include "server/base/signals.h"

#include <pthread.h>

#include <algorithm>
#include <ctime>
#include <string>

#include "server/base/logging.h"

namespace synth::server {
namespace {

timespec ToTimespec(Duration duration) {
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::max(duration, Duration::zero()));
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {.tv_sec = nanoseconds.count() / kSecond, .tv_nsec = nanoseconds.count() % kSecond};
}

std::string SignalName(int signal) { return std::string("SIG") + sigabbrev_np(signal); }

}  // namespace

Signals::Signals() {
  sigemptyset(&stop_);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&stop_, signal);
  all_ = stop_;
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&all_, signal);
  pthread_sigmask(SIG_BLOCK, &all_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int Signals::WaitForStop(Duration interval, absl::FunctionRef<void()> tick) const {
  TimePoint next_tick = Clock::now() + interval;
  while (true) {
    const timespec timeout = ToTimespec(next_tick - Clock::now());
    const int signal = sigtimedwait(&all_, nullptr, &timeout);
    if (signal == SIGTERM || signal == SIGINT) {
      Log(spdlog::level::info, "signal", {{"name", SignalName(signal)}});
      pthread_sigmask(SIG_UNBLOCK, &stop_, nullptr);
      return signal;
    }
    if (signal > 0) Log(spdlog::level::warn, "signal_ignored", {{"name", SignalName(signal)}});
    if (Clock::now() < next_tick) continue;
    tick();
    next_tick = Clock::now() + interval;
  }
}

}  // namespace synth::server
