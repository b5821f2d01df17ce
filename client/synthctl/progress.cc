#include "client/synthctl/progress.h"

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"

namespace synth::synthctl {
namespace {

constexpr std::chrono::milliseconds kFirstShow{1000};
constexpr std::chrono::milliseconds kInterval{100};
constexpr std::size_t kBarWidth = 30;

}  // namespace

Progress::Progress(const TextInput& input, bool output_is_terminal)
    : input_(input),
      enabled_(isatty(STDERR_FILENO) != 0 && !output_is_terminal &&
               input.FractionRead().has_value()),
      start_(std::chrono::steady_clock::now()),
      next_show_(start_ + kFirstShow) {}

Progress::~Progress() { Hide(); }

void Progress::Advance() {
  ++texts_;
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_show_) Show(now);
}

void Progress::Hide() {
  constexpr char kClearLine[] = "\r\x1b[K";
  if (shown_) std::fputs(kClearLine, stderr);
  shown_ = false;
}

void Progress::Show(std::chrono::steady_clock::time_point now) {
  next_show_ = now + kInterval;
  const double fraction = input_.FractionRead().value_or(0);
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(kBarWidth));
  const std::string bar = std::string(filled, '#') + std::string(kBarWidth - filled, '.');
  const double seconds = std::chrono::duration<double>(now - start_).count();
  absl::FPrintF(stderr, "\r[%s] %3.0f %%  %d texts, %.0f/s", bar, 100 * fraction, texts_,
                static_cast<double>(texts_) / seconds);
  shown_ = true;
}

}  // namespace synth::synthctl
