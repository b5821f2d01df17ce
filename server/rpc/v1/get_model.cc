#include "server/rpc/v1/get_model.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/v1/pooling.h"
#include "server/rpc/v1/serialize.h"
#include "server/rpc/v1/status.h"
#include "server/rpc/v1/wire.h"
#include "server/version.h"
#include "synth/precision.h"

namespace synth::server {

namespace {

void SetEncodeDefaults(const ModelConfig& config, v1::GetModelResponse& response) {
  response.set_family(config.model_type);
  response.set_dimensions(static_cast<std::uint32_t>(config.embedding_size()));
  response.set_pooling(ToProto(config.pooling));
  response.set_normalize(config.normalize);
  response.mutable_prompts()->insert(config.prompts.begin(), config.prompts.end());
  response.set_default_prompt_name(config.default_prompt_name.value_or(""));
}

}  // namespace

absl::Status GetModel(const CallServices& services, const v1::GetModelRequest& request,
                      v1::GetModelResponse& response) {
  absl::StatusOr<std::shared_ptr<ServedModel>> served = services.repository.Find(request.model());
  if (!served.ok()) return served.status();
  const Model& model = (*served)->model();
  const ModelInfo& info = model.info();

  response.mutable_model()->set_name((*served)->name());
  response.mutable_model()->set_digest(info.digest);
  response.set_config_json(model.config_json());
  if (model.config().classifier) {
    for (const std::string& label : model.config().classifier->labels) response.add_labels(label);
    response.set_problem_type(std::string(ToString(model.config().classifier->problem_type)));
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
  limits.set_max_text_tokens(static_cast<std::uint32_t>(model.max_text_tokens()));
  limits.set_max_message_bytes(static_cast<std::uint64_t>(services.limits.max_message_bytes));
  response.set_server_version(kVersion);
  response.set_precision(std::string(ToString(info.precision)));
  response.set_instruction_set(info.instruction_set);
  SetEncodeDefaults(model.config(), response);
  for (const auto& other : *services.repository.models()) {
    if (other != *served) response.add_other_models(other->name());
  }
  return absl::OkStatus();
}

GetModelCall::GetModelCall(CallServices& services, const MethodMetrics& metrics,
                           grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
                           grpc::ByteBuffer& response)
    : scope_(services, metrics, context) {
  const absl::Status status =
      CatchOutOfMemory("call", [&] { return Answer(services, request, response); });
  Finish(scope_.Finish(ToGrpcStatus(status), response));
}

absl::Status GetModelCall::Answer(CallServices& services, const grpc::ByteBuffer& request_bytes,
                                  grpc::ByteBuffer& response_bytes) {
  // It reads what is constant, and so it answers while the server drains, too.
  scope_.Enter();
  if (!request_bytes.Valid()) return scope_.NoMessage();
  if (request_bytes.Length() > kMaxRequestBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the request: expected at most ",
                                                   kMaxRequestBytes, " bytes, found ",
                                                   request_bytes.Length()));
  }
  v1::GetModelRequest request;
  std::vector<BadText> no_texts;
  absl::Status status = ParseRequest(request_bytes, request, no_texts);
  if (!status.ok()) return status;
  scope_.OnRequest();
  v1::GetModelResponse response;
  status = GetModel(services, request, response);
  if (!status.ok()) return status;
  return Serialize(response, response_bytes);
}

}  // namespace synth::server
