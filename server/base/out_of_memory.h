#ifndef SYNTH_SERVER_BASE_OUT_OF_MEMORY_H_
#define SYNTH_SERVER_BASE_OUT_OF_MEMORY_H_

#include <cstdint>
#include <new>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace synth::server {

// Counts that memory ran out, logs it (rate-limited), and returns the error for the caller's
// answer: RESOURCE_EXHAUSTED. `where` is a literal that the log names. Works even if no memory is
// left.
absl::Status OutOfMemory(std::string_view where) noexcept;

// Returns what `work` returns, or OutOfMemory if memory runs out in it.
inline absl::Status CatchOutOfMemory(std::string_view where,
                                     absl::FunctionRef<absl::Status()> work) try {
  return work();
} catch (const std::bad_alloc&) {
  return OutOfMemory(where);
}

// How often memory has run out in this process.
std::int64_t OutOfMemoryCount();

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_OUT_OF_MEMORY_H_
