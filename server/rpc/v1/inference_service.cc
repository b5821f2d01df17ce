#include "server/rpc/v1/inference_service.h"

#include <google/protobuf/descriptor.h>

#include <string>

#include "server/rpc/v1/classify.h"
#include "server/rpc/v1/encode.h"
#include "server/rpc/v1/get_model.h"
#include "server/rpc/v1/rerank.h"
#include "server/rpc/v1/text_call.h"
#include "server/rpc/v1/tokenize.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {
namespace {

const char* TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "bidi_stream" : "client_stream";
  return method.server_streaming() ? "server_stream" : "unary";
}

const MethodMetrics& MetricsOf(Metrics& metrics, const char* name) {
  const google::protobuf::ServiceDescriptor& service =
      *v1::EncodeRequest::descriptor()->file()->FindServiceByName("Inference");
  const google::protobuf::MethodDescriptor& method = *service.FindMethodByName(name);
  return metrics.AddMethod(service.full_name(), method.name(), TypeOf(method));
}

}  // namespace

InferenceService::InferenceService(CallServices& services, Metrics& metrics)
    : services_(services),
      encode_(MetricsOf(metrics, "Encode")),
      classify_(MetricsOf(metrics, "Classify")),
      rerank_(MetricsOf(metrics, "Rerank")),
      tokenize_(MetricsOf(metrics, "Tokenize")),
      get_model_(MetricsOf(metrics, "GetModel")) {}

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

grpc::ServerUnaryReactor* InferenceService::Rerank(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return TextCall<RerankMethod>::Start(services_, rerank_, context, request, response);
}

grpc::ServerUnaryReactor* InferenceService::Tokenize(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return TextCall<TokenizeMethod>::Start(services_, tokenize_, context, request, response);
}

grpc::ServerUnaryReactor* InferenceService::GetModel(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return new GetModelCall(services_, get_model_, *context, *request, *response);
}

}  // namespace synth::server
