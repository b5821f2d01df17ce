#ifndef SYNTH_INSPECT_H_
#define SYNTH_INSPECT_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace synth {

// What stands in a checkpoint's tensor file and a loaded Model no longer tells apart. For people
// who look at a model, not for serving; see also Model::VisitAttention.

struct LayerFacts {
  std::int64_t score_parameters = 0;      // numbers in the tensors of its score source
  std::vector<std::vector<float>> alpha;  // [H][M]: the shares of a mixture's parts; else empty
};

struct CheckpointFacts {
  std::map<std::string, std::int64_t> parameters_by_dtype;  // "F32", "F16", "BF16"
  std::vector<LayerFacts> layers;                           // [N]
};

// Reads a checkpoint folder; its errors are those of Model::Load.
absl::StatusOr<CheckpointFacts> ReadCheckpointFacts(const std::filesystem::path& folder);

}  // namespace synth

#endif  // SYNTH_INSPECT_H_
