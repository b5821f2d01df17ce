#ifndef SYNTH_CLIENT_SYNTHCTL_PROGRESS_H_
#define SYNTH_CLIENT_SYNTHCTL_PROGRESS_H_

#include <chrono>
#include <cstdint>

#include "client/synthctl/text_input.h"

namespace synth::synthctl {

// A line on stderr that shows how far a long file has come. Shown only where stderr is a terminal,
// the results go elsewhere (they would write over each other), and the input's size is known; and
// only from the second second on. Not thread-safe.
class Progress {
 public:
  Progress(const TextInput& input, bool output_is_terminal);
  // Takes the line away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // One more text is done.
  void Advance();
  // Takes the line away until the next Advance(), so that something else can be written.
  void Hide();

 private:
  void Show(std::chrono::steady_clock::time_point now);

  const TextInput& input_;
  const bool enabled_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point next_show_;
  uint64_t texts_ = 0;
  bool shown_ = false;
};

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_PROGRESS_H_
