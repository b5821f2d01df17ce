#include "model/kernels/select.h"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "model/kernels/kernels.h"
#include "model/strings.h"
#include "synth/precision.h"

namespace synth {

// Defined by isa_kernels.cc, once per instruction set, and by the files named for a precision.
#if defined(__x86_64__)
const IsaKernels& KernelsV2();
const IsaKernels& KernelsV3();
const IsaKernels& KernelsV4();
const MatmulKernels& Bf16Kernels();
const MatmulKernels& Int8Kernels();
#else
const IsaKernels& KernelsGeneric();
#endif

namespace {

// Whether the kernels of AVX-512 were compiled for less, to be tested on any machine.
#if defined(SYNTH_EMULATE_AVX512)
constexpr bool kEmulatedAvx512 = true;
#else
constexpr bool kEmulatedAvx512 = false;
#endif

// The kernels of a precision, null where `isa` or the processor lacks the instructions.
const MatmulKernels* Find(Precision precision, const IsaKernels& isa) {
  if (precision == Precision::kF32) return &isa.f32;
#if defined(__x86_64__)
  // Asked first: even what KernelsV4 itself is made of may need a processor of its level.
  const bool has = precision == Precision::kBf16
                       ? static_cast<bool>(__builtin_cpu_supports("avx512bf16"))
                       : static_cast<bool>(__builtin_cpu_supports("avx512vnni"));
  if (!(has || kEmulatedAvx512) || &isa != &KernelsV4()) return nullptr;
  return precision == Precision::kBf16 ? &Bf16Kernels() : &Int8Kernels();
#else
  return nullptr;
#endif
}

constexpr std::array kPrecisions = {Precision::kF32, Precision::kBf16, Precision::kInt8};

absl::StatusOr<const IsaKernels*> SelectIsa() {
  const std::vector<const IsaKernels*> supported = SupportedIsas();
  if (supported.empty()) {
    return absl::FailedPreconditionError(
        "this processor lacks the x86-64-v2 instructions (SSE 4.2)");
  }
  const char* const wanted = std::getenv("SYNTH_ISA");
  if (wanted == nullptr || *wanted == '\0') return supported.front();
  for (const IsaKernels* isa : supported) {
    if (std::string_view(wanted) == isa->name) return isa;
  }
  const auto name = [](std::string* out, const IsaKernels* isa) { *out += isa->name; };
  return absl::InvalidArgumentError(
      Cat("environment variable SYNTH_ISA: expected one that this machine can run (",
          absl::StrJoin(supported, ", ", name), "), found \"", wanted, "\""));
}

}  // namespace

std::vector<const IsaKernels*> SupportedIsas() {
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
  const bool avx512 = static_cast<bool>(__builtin_cpu_supports("avx512f")) &&
                      static_cast<bool>(__builtin_cpu_supports("avx512bw")) &&
                      static_cast<bool>(__builtin_cpu_supports("avx512cd")) &&
                      static_cast<bool>(__builtin_cpu_supports("avx512dq")) &&
                      static_cast<bool>(__builtin_cpu_supports("avx512vl"));
  const bool v4 = v3 && (avx512 || kEmulatedAvx512);
  std::vector<const IsaKernels*> isas;
  if (v4) isas.push_back(&KernelsV4());
  if (v3) isas.push_back(&KernelsV3());
  if (v2) isas.push_back(&KernelsV2());
  return isas;
#else
  return {&KernelsGeneric()};
#endif
}

std::vector<Precision> SupportedPrecisions(const IsaKernels& isa) {
  std::vector<Precision> precisions;
  for (const Precision precision : kPrecisions) {
    if (Find(precision, isa) != nullptr) precisions.push_back(precision);
  }
  return precisions;
}

absl::StatusOr<Kernels> SelectKernels(Precision precision) {
  const absl::StatusOr<const IsaKernels*> selected = SelectIsa();
  if (!selected.ok()) return selected.status();
  const IsaKernels& isa = **selected;
  const MatmulKernels* const linear = Find(precision, isa);
  if (linear == nullptr) {
    return absl::FailedPreconditionError(
        Cat("precision ", ToString(precision), " needs ",
            precision == Precision::kBf16 ? "AVX512_BF16" : "AVX512_VNNI",
            ", which this processor or its instruction set in use (", isa.name, ") lacks"));
  }
  if (precision == Precision::kF32) return Kernels{isa, *linear, *linear};
  const MatmulKernels* const bf16 = Find(Precision::kBf16, isa);
  return Kernels{isa, *linear, bf16 != nullptr ? *bf16 : isa.f32};
}

std::string_view ToString(Precision precision) {
  switch (precision) {
    case Precision::kF32:
      break;
    case Precision::kBf16:
      return "bf16";
    case Precision::kInt8:
      return "int8";
  }
  return "f32";
}

absl::StatusOr<Precision> ParsePrecision(std::string_view name) {
  if (name == "auto") {
    const absl::StatusOr<const IsaKernels*> isa = SelectIsa();
    if (!isa.ok()) return isa.status();
    return Find(Precision::kBf16, **isa) != nullptr ? Precision::kBf16 : Precision::kF32;
  }
  for (const Precision precision : kPrecisions) {
    if (name == ToString(precision)) return precision;
  }
  return absl::InvalidArgumentError(
      Cat("precision: expected f32, bf16, int8 or auto, found \"", name, "\""));
}

}  // namespace synth
