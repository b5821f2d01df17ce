#include "server/base/line_writer.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <string_view>
#include <utility>

#include "server/base/mutex.h"

namespace synth {
namespace {

// False if not all of it could be written. Blocks.
bool WriteWhole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      // Whoever shares the descriptor made it non-blocking.
      pollfd writable = {.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

struct LineWriter::State {
  State(int descriptor, Notice drop_notice, std::size_t most_bytes)
      : fd(descriptor), notice(std::move(drop_notice)), max_bytes(most_bytes) {}

  const int fd;
  const Notice notice;
  const std::size_t max_bytes;
  std::atomic<std::int64_t> dropped = 0;
  std::atomic<std::int64_t> unwritten = 0;  // lines in the queue or being written

  Mutex mutex;
  std::condition_variable work;  // lines, or the end
  std::condition_variable idle;
  std::deque<std::string> lines SYNTH_GUARDED_BY(mutex);
  std::size_t bytes SYNTH_GUARDED_BY(mutex) = 0;        // of `lines`
  std::int64_t unreported SYNTH_GUARDED_BY(mutex) = 0;  // dropped since the last notice
  bool is_writing SYNTH_GUARDED_BY(mutex) = false;      // a line has left the queue
  bool is_at_end SYNTH_GUARDED_BY(mutex) = false;
};

LineWriter::LineWriter(int fd, Notice notice, std::size_t max_bytes)
    : state_(std::make_shared<State>(fd, std::move(notice), max_bytes)),
      thread_([state = state_] { Run(*state); }) {}

LineWriter::~LineWriter() {
  bool ends_at_once = false;
  {
    const MutexLock lock(state_->mutex);
    state_->is_at_end = true;
    ends_at_once = state_->lines.empty() && !state_->is_writing;
  }
  state_->work.notify_all();
  if (ends_at_once) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

bool LineWriter::Write(std::string line) {
  State& state = *state_;
  {
    const MutexLock lock(state.mutex);
    if (state.bytes + line.size() > state.max_bytes) {
      ++state.dropped;
      ++state.unreported;
      return false;
    }
    const std::size_t size = line.size();
    state.lines.push_back(std::move(line));
    state.bytes += size;
    ++state.unwritten;
  }
  state.work.notify_one();
  return true;
}

bool LineWriter::Flush(Duration patience) {
  State& state = *state_;
  const TimePoint deadline = Clock::now() + patience;
  const MutexLock lock(state.mutex);
  while (!state.lines.empty() || state.is_writing) {
    if (!state.mutex.WaitUntil(state.idle, deadline)) return false;
  }
  return true;
}

bool LineWriter::is_idle() const { return state_->unwritten.load() == 0; }

std::int64_t LineWriter::dropped() const { return state_->dropped.load(); }

void LineWriter::Run(State& state) {
  // Signals are for the threads that expect them.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);

  while (true) {
    std::string line;
    std::int64_t missing = 0;
    {
      const MutexLock lock(state.mutex);
      state.is_writing = false;
      if (state.lines.empty() && state.unreported == 0) {
        state.idle.notify_all();
        if (state.is_at_end) return;
        state.mutex.Wait(state.work);
        continue;
      }
      state.is_writing = true;
      if (state.lines.empty()) {
        // What was queued before the drops has been written: here is the gap.
        missing = std::exchange(state.unreported, 0);
      } else {
        line = std::move(state.lines.front());
        state.lines.pop_front();
        state.bytes -= line.size();
      }
    }
    if (missing > 0) {
      WriteWhole(state.fd, state.notice(missing));
    } else {
      if (!WriteWhole(state.fd, line)) ++state.dropped;
      --state.unwritten;
    }
  }
}

}  // namespace synth
