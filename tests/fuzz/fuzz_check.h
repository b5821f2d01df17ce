#ifndef SYNTH_TESTS_FUZZ_FUZZ_CHECK_H_
#define SYNTH_TESTS_FUZZ_FUZZ_CHECK_H_

#include <cstdlib>

namespace synth {

// A property that must hold for every input; a fuzzer's finding is a crash.
inline void FuzzCheck(bool holds) {
  if (!holds) std::abort();
}

}  // namespace synth

#endif  // SYNTH_TESTS_FUZZ_FUZZ_CHECK_H_
