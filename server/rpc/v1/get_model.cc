#include "server/rpc/v1/get_model.h"

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/version.h"
#include "synth/precision.h"

namespace synth::server {

absl::Status GetModel(const CallServices& services, const v1::GetModelRequest& request,
                      v1::GetModelResponse& response) {
  absl::StatusOr<ServedModel*> served = services.repository.Find(request.model());
  if (!served.ok()) return served.status();
  const Model& model = (*served)->model();
  const ModelInfo& info = model.info();

  response.mutable_model()->set_name((*served)->name());
  response.mutable_model()->set_digest(info.digest);
  response.set_config_json(model.config_json());
  if (model.config().classifier) {
    for (const std::string& label : model.config().classifier->labels) response.add_labels(label);
  }
  response.mutable_parameters()->set_total(static_cast<std::uint64_t>(info.parameters));
  response.mutable_parameters()->set_embeddings(
      static_cast<std::uint64_t>(info.embedding_parameters));
  response.mutable_parameters()->set_scores(static_cast<std::uint64_t>(info.score_parameters));
  response.mutable_memory()->set_weight_bytes(info.weight_bytes);
  response.mutable_memory()->set_attention_bytes(model.attention_bytes());
  v1::Limits& limits = *response.mutable_limits();
  limits.set_max_texts(static_cast<std::uint32_t>(services.limits.max_texts));
  limits.set_max_text_bytes(static_cast<std::uint64_t>(services.limits.max_text_bytes));
  limits.set_max_text_tokens(static_cast<std::uint32_t>(model.config().max_position_embeddings));
  limits.set_max_message_bytes(static_cast<std::uint64_t>(services.limits.max_message_bytes));
  response.set_server_version(kVersion);
  response.set_precision(std::string(PrecisionName(info.precision)));
  response.set_instruction_set(info.instruction_set);
  for (const auto& other : services.repository.models()) {
    if (other.get() != *served) response.add_other_models(other->name());
  }
  return absl::OkStatus();
}

}  // namespace synth::server
