#include "server/base/last_words.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <exception>

namespace synth::server {
namespace {

std::atomic<LogFormat> line_format{LogFormat::kText};

// A line of fixed size, made without an allocation: memory may be what ran out.
class FixedLine {
 public:
  FixedLine& operator<<(std::string_view text) {
    for (const char c : text) Append(c);
    return *this;
  }

  // As part of a string in quotes: a byte that would need an escape, or is not ASCII, becomes '?'.
  FixedLine& Quoted(std::string_view text) {
    for (const char c : text) Append(c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' : c);
    return *this;
  }

  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  // Leaves room for the end of the line.
  void Append(char c) {
    constexpr std::size_t kEnd = 8;
    if (size_ < bytes_.size() - kEnd || (c == '"' || c == '}' || c == '\n')) bytes_.at(size_++) = c;
  }

  // Less than PIPE_BUF: a pipe takes it whole.
  std::array<char, 512> bytes_{};
  std::size_t size_ = 0;
};

void Tell(std::string_view reason) {
  FixedLine line;
  if (line_format == LogFormat::kJson) {
    line << R"({"level":"critical","event":"terminated","reason":")";
    line.Quoted(reason) << "\"}\n";
  } else {
    line << R"(terminated reason=")";
    line.Quoted(reason) << "\"\n";
  }
  WriteLastWords(line.text());
}

[[noreturn]] void OnTerminate() {
  const std::exception_ptr exception = std::current_exception();
  if (exception == nullptr) {
    Tell("no exception is active");
  } else {
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      Tell(error.what());
    } catch (...) {
      Tell("an exception of an unknown type");
    }
  }
  std::abort();
}

// abort() goes on to end the process when this returns.
void OnAbort(int /*signal*/) {
  constexpr timespec kStep = {.tv_sec = 0, .tv_nsec = 10'000'000};
  constexpr int kSteps = 25;
  for (int step = 0; step < kSteps && !IsLogWritten(); ++step) nanosleep(&kStep, nullptr);
}

}  // namespace

void WriteLastWords(std::string_view line) {
  constexpr int kPatienceMilliseconds = 100;
  pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&writable, 1, kPatienceMilliseconds) != 1) return;
  // There is nobody left to tell of an error.
  [[maybe_unused]] const ssize_t count = write(STDERR_FILENO, line.data(), line.size());
}

void SetUpLastWords(LogFormat format) {
  line_format = format;
  std::set_terminate(OnTerminate);
  struct sigaction action = {};
  action.sa_handler = OnAbort;
  sigaction(SIGABRT, &action, nullptr);
}

}  // namespace synth::server
