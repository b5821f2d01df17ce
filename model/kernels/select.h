#ifndef SYNTH_MODEL_KERNELS_SELECT_H_
#define SYNTH_MODEL_KERNELS_SELECT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "model/kernels/kernels.h"
#include "synth/precision.h"

namespace synth {

// The kernels that a model runs on. What they refer to lives as long as the program.
struct Kernels {
  const IsaKernels& isa;
  const MatmulKernels& linear;     // products with weights of linear layers
  const MatmulKernels& attention;  // scores and mix
};

// The instruction sets that this machine can run, the best first; never empty on x86-64-v2 or
// later.
std::vector<const IsaKernels*> SupportedIsas();

// The precisions that this machine can compute in with these kernels.
std::vector<Precision> SupportedPrecisions(const IsaKernels& isa);

// The best instruction set, or the one that the environment variable SYNTH_ISA names.
// INVALID_ARGUMENT where it names none, or one that this machine cannot run; FAILED_PRECONDITION
// where the precision needs instructions that are missing.
absl::StatusOr<Kernels> SelectKernels(Precision precision);

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_SELECT_H_
