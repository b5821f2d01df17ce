#include "model/kernels/select.h"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "model/kernels/kernels.h"
#include "model/strings.h"

namespace synth {

// Defined by isa_kernels.cc, once per instruction set.
#if defined(__x86_64__)
const Kernels& KernelsV2();
const Kernels& KernelsV3();
const Kernels& KernelsV4();
#else
const Kernels& KernelsGeneric();
#endif

std::vector<const Kernels*> SupportedKernels() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The names of whole levels are not known to clang 14; these features stand for them.
  // An int to gcc, a bool to clang.
  const bool v2 = static_cast<bool>(__builtin_cpu_supports("sse4.2")) &&
                  static_cast<bool>(__builtin_cpu_supports("popcnt"));
  const bool v3 = v2 && static_cast<bool>(__builtin_cpu_supports("avx2")) &&
                  static_cast<bool>(__builtin_cpu_supports("fma")) &&
                  static_cast<bool>(__builtin_cpu_supports("bmi")) &&
                  static_cast<bool>(__builtin_cpu_supports("bmi2"));
  const bool v4 = v3 && static_cast<bool>(__builtin_cpu_supports("avx512f")) &&
                  static_cast<bool>(__builtin_cpu_supports("avx512bw")) &&
                  static_cast<bool>(__builtin_cpu_supports("avx512cd")) &&
                  static_cast<bool>(__builtin_cpu_supports("avx512dq")) &&
                  static_cast<bool>(__builtin_cpu_supports("avx512vl"));
  std::vector<const Kernels*> kernels;
  if (v4) kernels.push_back(&KernelsV4());
  if (v3) kernels.push_back(&KernelsV3());
  if (v2) kernels.push_back(&KernelsV2());
  return kernels;
#else
  return {&KernelsGeneric()};
#endif
}

absl::StatusOr<const Kernels*> SelectKernels() {
  const std::vector<const Kernels*> supported = SupportedKernels();
  if (supported.empty()) {
    return absl::FailedPreconditionError(
        "this processor lacks the x86-64-v2 instructions (SSE 4.2)");
  }
  const char* const wanted = std::getenv("SYNTH_ISA");
  if (wanted == nullptr || *wanted == '\0') return supported.front();
  for (const Kernels* kernels : supported) {
    if (std::string_view(wanted) == kernels->name) return kernels;
  }
  const auto name = [](std::string* out, const Kernels* kernels) { *out += kernels->name; };
  return absl::InvalidArgumentError(
      Cat("environment variable SYNTH_ISA: expected one that this machine can run (",
          absl::StrJoin(supported, ", ", name), "), found \"", wanted, "\""));
}

}  // namespace synth
