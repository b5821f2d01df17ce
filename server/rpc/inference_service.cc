#include "server/rpc/inference_service.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <vector>

#include "absl/status/status.h"
#include "server/rpc/classify.h"
#include "server/rpc/encode.h"
#include "server/rpc/get_model.h"
#include "server/rpc/status.h"
#include "server/rpc/text_call.h"
#include "server/rpc/tokenize.h"
#include "server/rpc/wire.h"
#include "server/scheduling/job.h"

namespace synth::server {

grpc::ServerUnaryReactor* InferenceService::Encode(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return TextCall<EncodeMethod>::Start(environment_, context, request, response);
}

grpc::ServerUnaryReactor* InferenceService::Classify(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return TextCall<ClassifyMethod>::Start(environment_, context, request, response);
}

grpc::ServerUnaryReactor* InferenceService::Tokenize(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return TextCall<TokenizeMethod>::Start(environment_, context, request, response);
}

// Reads what is constant: nothing to schedule, so it is answered on the spot.
grpc::ServerUnaryReactor* InferenceService::GetModel(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request_bytes,
                                                     grpc::ByteBuffer* response_bytes) {
  const scheduling::TimePoint start = scheduling::Clock::now();
  const MethodMetrics& metrics = environment_.metrics.Method("GetModel");
  metrics.OnStarted();
  v1::GetModelRequest request;
  v1::GetModelResponse response;
  std::vector<BadText> no_texts;
  absl::Status status = ParseRequest(*request_bytes, request, no_texts);
  if (status.ok()) {
    metrics.OnMessageReceived();
    status = synth::server::GetModel(environment_, request, response);
  }
  grpc::Status result = ToGrpcStatus(status);
  if (result.ok()) {
    bool own_buffer = false;
    result = grpc::SerializationTraits<v1::GetModelResponse>::Serialize(response, response_bytes,
                                                                        &own_buffer);
  }
  metrics.OnHandled(result.error_code(), scheduling::Clock::now() - start);
  if (result.ok()) {
    metrics.OnMessageSent();
  } else {
    environment_.refusals.Record("GetModel", result);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(result);
  return reactor;
}

}  // namespace synth::server
