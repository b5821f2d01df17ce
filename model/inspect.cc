#include "synth/inspect.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/attention/load.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/tensor_table.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

LayerFacts ReadLayer(const Checkpoint& checkpoint, std::size_t index) {
  const std::string prefix = Cat("encoder.layer.", index, ".");
  LayerFacts facts;
  for (const TensorSpec& spec : checkpoint.table()) {
    if (spec.role != TensorRole::kScore || !spec.name.starts_with(prefix)) continue;
    const TensorEntry& tensor = checkpoint.tensors().at(spec.name);
    facts.score_parameters += static_cast<std::int64_t>(tensor.elements());
  }
  const ModelConfig& config = checkpoint.config();
  const auto* const mixture = std::get_if<MixtureSpec>(&config.attention[index]);
  if (mixture == nullptr) return facts;
  const std::vector<float> a = checkpoint.Read(Cat(prefix, "attention.self.mixture.a"));
  facts.alpha.resize(static_cast<std::size_t>(config.num_attention_heads));
  for (std::size_t m = 0; m < mixture->parts.size(); ++m) {
    const std::vector<float> alpha = PartWeights(a, mixture->parts.size(), m);
    for (std::size_t head = 0; head < alpha.size(); ++head) {
      facts.alpha[head].push_back(alpha[head]);
    }
  }
  return facts;
}

}  // namespace

absl::StatusOr<CheckpointFacts> ReadCheckpointFacts(const std::filesystem::path& folder) {
  const auto checkpoint = Checkpoint::Open(folder);
  if (!checkpoint.ok()) return checkpoint.status();
  CheckpointFacts facts;
  for (const auto& [name, tensor] : checkpoint->tensors()) {
    facts.parameters_by_dtype[std::string(ToString(tensor.dtype))] +=
        static_cast<std::int64_t>(tensor.elements());
  }
  for (std::size_t i = 0; i < checkpoint->config().attention.size(); ++i) {
    facts.layers.push_back(ReadLayer(*checkpoint, i));
  }
  if (absl::Status status = checkpoint->status(); !status.ok()) return status;
  return facts;
}

}  // namespace synth
