#ifndef SYNTH_SERVER_RPC_V1_INFERENCE_SERVICE_H_
#define SYNTH_SERVER_RPC_V1_INFERENCE_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "server/observe/metrics.h"
#include "server/rpc/call_services.h"
#include "synth/v1/inference.grpc.pb.h"

namespace synth::server {

// synth.v1.Inference. Methods are raw, that is bytes in and bytes out, because a generated parser
// would refuse a whole request for one text that is not UTF-8 (wire.h).
using RawInferenceService =
    v1::Inference::WithRawCallbackMethod_Encode<v1::Inference::WithRawCallbackMethod_Classify<
        v1::Inference::WithRawCallbackMethod_Rerank<v1::Inference::WithRawCallbackMethod_Tokenize<
            v1::Inference::WithRawCallbackMethod_GetModel<v1::Inference::Service>>>>>;

class InferenceService final : public RawInferenceService {
 public:
  // Both must outlive every call.
  InferenceService(CallServices& services, Metrics& metrics);

  grpc::ServerUnaryReactor* Encode(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Classify(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Rerank(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;

 private:
  CallServices& services_;
  const MethodMetrics& encode_;
  const MethodMetrics& classify_;
  const MethodMetrics& rerank_;
  const MethodMetrics& tokenize_;
  const MethodMetrics& get_model_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_INFERENCE_SERVICE_H_
