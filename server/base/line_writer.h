#ifndef SYNTH_SERVER_BASE_LINE_WRITER_H_
#define SYNTH_SERVER_BASE_LINE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "server/base/clock.h"

namespace synth {

// Writes lines to a file descriptor from a thread of its own. A reader that is slow, stopped or
// gone holds up that thread and no other. Lines wait in a bounded queue; if it is full, a new line
// is dropped and counted. Thread-safe.
class LineWriter {
 public:
  // Bytes that may wait: some thousand lines.
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  // Makes the line that is written in place of `count` dropped ones. Must not throw.
  using Notice = std::function<std::string(std::int64_t count)>;

  // Lines go to `fd`, which stays open for as long as the process. `max_bytes` may wait.
  LineWriter(int fd, Notice notice, std::size_t max_bytes = kMaxBytes);

  // Does not wait for what is queued (Flush does). The thread ends when the queue is empty, or with
  // the process if nobody reads.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Queues a line, with its newline. Never waits for the reader. False if the line was dropped.
  bool Write(std::string line);

  // Waits until all that is queued has been written. False if that took longer than `patience`.
  bool Flush(Duration patience);

  // True if all that was queued has been written. May be asked in a signal handler.
  bool is_idle() const;

  // Lines lost so far: the queue was full, or the descriptor took no bytes (nobody reads any more,
  // the disk is full).
  std::int64_t dropped() const;

 private:
  struct State;
  static void Run(State& state);

  const std::shared_ptr<State> state_;  // the thread's too, which may stay behind
  std::thread thread_;
};

}  // namespace synth

#endif  // SYNTH_SERVER_BASE_LINE_WRITER_H_
