#ifndef SYNTH_MODEL_KERNELS_SELECT_H_
#define SYNTH_MODEL_KERNELS_SELECT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "model/kernels/kernels.h"

namespace synth {

// The kernels that this machine can run, the best first; never empty on x86-64-v2 or later.
std::vector<const Kernels*> SupportedKernels();

// The best ones, or those that the environment variable SYNTH_ISA names. INVALID_ARGUMENT where it
// names none, or ones that this machine cannot run. They live as long as the program.
absl::StatusOr<const Kernels*> SelectKernels();

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_SELECT_H_
