// What is to know of a checkpoint without a server.
#ifndef SYNTH_CLIENT_INSPECT_INSPECTION_H_
#define SYNTH_CLIENT_INSPECT_INSPECTION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client/inspect/cost.h"
#include "client/inspect/heat_map.h"
#include "synth/config.h"
#include "synth/inspect.h"
#include "synth/model.h"

namespace synth::inspect {

struct LayerRow {
  AttentionSpec spec;
  std::int64_t parameters_in_file = 0;  // of the score source
  ScoreParameters parameters;           // the same by formula
  Cost cost;
  std::size_t attention_bytes = 0;        // precomputed for texts of about this length
  std::vector<std::vector<float>> alpha;  // [H][M], mixtures only
};

struct Inspection {
  ModelConfig config;
  ModelInfo info;
  CheckpointFacts facts;
  int tokens = 0;  // n
  std::vector<LayerRow> layers;
};

// Runs the text `token_ids` [n], which must pass the model's Validate, through the model, to
// measure what the engine holds for its length; `picture`, where not null, gets the attention of
// every layer.
Inspection Inspect(const Model& model, CheckpointFacts facts,
                   std::span<const std::int32_t> token_ids, HeatMap* picture);

}  // namespace synth::inspect

#endif  // SYNTH_CLIENT_INSPECT_INSPECTION_H_
