#ifndef SYNTH_TESTS_BENCH_PEAK_H_
#define SYNTH_TESTS_BENCH_PEAK_H_

#include <string_view>

namespace synth {

// Floating-point operations per second that this core reaches now with fused multiply-adds of
// floats (for "v2": a multiplication and an addition) in the vectors of an instruction set ("v2",
// "v3", "v4"), on registers alone. The best of a few short runs: about 30 ms.
double MeasureFmaPeak(std::string_view instruction_set);

}  // namespace synth

#endif  // SYNTH_TESTS_BENCH_PEAK_H_
