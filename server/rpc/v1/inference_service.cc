#include "server/rpc/v1/inference_service.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <vector>

#include "absl/status/status.h"
#include "server/rpc/call_report.h"
#include "server/rpc/v1/classify.h"
#include "server/rpc/v1/encode.h"
#include "server/rpc/v1/get_model.h"
#include "server/rpc/v1/status.h"
#include "server/rpc/v1/text_call.h"
#include "server/rpc/v1/tokenize.h"
#include "server/rpc/v1/wire.h"

namespace synth::server {

grpc::ServerUnaryReactor* InferenceService::Encode(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return TextCall<EncodeMethod>::Start(services_, encode_, context, request, response);
}

grpc::ServerUnaryReactor* InferenceService::Classify(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return TextCall<ClassifyMethod>::Start(services_, classify_, context, request, response);
}

grpc::ServerUnaryReactor* InferenceService::Tokenize(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return TextCall<TokenizeMethod>::Start(services_, tokenize_, context, request, response);
}

// Reads what is constant: nothing to schedule, so it is answered on the spot.
grpc::ServerUnaryReactor* InferenceService::GetModel(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request_bytes,
                                                     grpc::ByteBuffer* response_bytes) {
  const CallReport report(get_model_, services_.refusals);
  v1::GetModelRequest request;
  v1::GetModelResponse response;
  std::vector<BadText> no_texts;
  absl::Status status = ParseRequest(*request_bytes, request, no_texts);
  if (status.ok()) {
    report.OnRequest();
    status = synth::server::GetModel(services_, request, response);
  }
  grpc::Status result = ToGrpcStatus(status);
  if (result.ok()) {
    bool own_buffer = false;
    result = grpc::SerializationTraits<v1::GetModelResponse>::Serialize(response, response_bytes,
                                                                        &own_buffer);
  }
  report.OnFinish(result);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(result);
  return reactor;
}

}  // namespace synth::server
