#include "client/inspect/inspection.h"

#include <utility>

namespace synth::inspect {

Inspection Inspect(const Model& model, CheckpointFacts facts,
                   std::span<const std::int32_t> token_ids, HeatMap* picture) {
  Inspection inspection = {.config = model.config(),
                           .info = model.info(),
                           .facts = std::move(facts),
                           .tokens = static_cast<int>(token_ids.size()),
                           .layers = {}};
  const ModelConfig& config = inspection.config;
  const WorkspacePtr workspace = model.MakeWorkspace();
  model.VisitAttention(token_ids, *workspace, [&](const LayerAttention& attention) {
    const AttentionSpec& spec = config.attention[attention.layer];
    const LayerFacts& layer = inspection.facts.layers[attention.layer];
    inspection.layers.push_back({.spec = spec,
                                 .parameters_in_file = layer.score_parameters,
                                 .parameters = CountScoreParameters(spec, config),
                                 .cost = CountMultiplyAdds(spec, config, inspection.tokens),
                                 .attention_bytes = attention.precomputed_bytes,
                                 .alpha = layer.alpha});
    if (picture != nullptr) picture->Draw(static_cast<int>(attention.layer), attention.weights);
  });
  return inspection;
}

}  // namespace synth::inspect
