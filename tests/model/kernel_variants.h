#ifndef SYNTH_TESTS_MODEL_KERNEL_VARIANTS_H_
#define SYNTH_TESTS_MODEL_KERNEL_VARIANTS_H_

#include <string>
#include <vector>

#include "model/kernels/select.h"
#include "synth/precision.h"

namespace synth {

// An instruction set of this machine and a precision that it can compute in.
struct KernelVariant {
  std::string isa;
  Precision precision = Precision::kF32;

  // "v4_bf16"
  std::string name() const;
};

// Every one that this machine has.
std::vector<KernelVariant> KernelVariants();

// Every one that was built, whether this machine has it or not.
std::vector<KernelVariant> BuiltKernelVariants();

// While it lives, SYNTH_ISA names the instruction set.
class IsaInUse {
 public:
  explicit IsaInUse(const std::string& isa);
  ~IsaInUse();
  IsaInUse(const IsaInUse&) = delete;
  IsaInUse& operator=(const IsaInUse&) = delete;
};

// The kernels of a variant.
Kernels KernelsOf(const KernelVariant& variant);

}  // namespace synth

#endif  // SYNTH_TESTS_MODEL_KERNEL_VARIANTS_H_
