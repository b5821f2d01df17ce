#include "tests/model/kernel_variants.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "synth/precision.h"

namespace synth {

std::string KernelVariant::name() const { return isa + "_" + std::string(ToString(precision)); }

std::vector<KernelVariant> KernelVariants() {
  std::vector<KernelVariant> variants;
  for (const IsaKernels* isa : SupportedIsas()) {
    for (const Precision precision : SupportedPrecisions(*isa)) {
      variants.push_back({isa->name, precision});
    }
  }
  return variants;
}

std::vector<KernelVariant> BuiltKernelVariants() {
#if defined(__x86_64__)
  return {{"v2", Precision::kF32},
          {"v3", Precision::kF32},
          {"v4", Precision::kF32},
          {"v4", Precision::kBf16},
          {"v4", Precision::kInt8}};
#else
  return {{"generic", Precision::kF32}};
#endif
}

IsaInUse::IsaInUse(const std::string& isa) { setenv("SYNTH_ISA", isa.c_str(), 1); }
IsaInUse::~IsaInUse() { unsetenv("SYNTH_ISA"); }

Kernels KernelsOf(const KernelVariant& variant) {
  const IsaInUse isa(variant.isa);
  return *SelectKernels(variant.precision);
}

}  // namespace synth
