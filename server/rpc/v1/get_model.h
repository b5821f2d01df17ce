#ifndef SYNTH_SERVER_RPC_V1_GET_MODEL_H_
#define SYNTH_SERVER_RPC_V1_GET_MODEL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>

#include "absl/status/status.h"
#include "server/observe/metrics.h"
#include "server/rpc/call_scope.h"
#include "server/rpc/call_services.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// Answers GetModel. NOT_FOUND if no such model is loaded.
absl::Status GetModel(const CallServices& services, const v1::GetModelRequest& request,
                      v1::GetModelResponse& response);

// One GetModel call. It reads only constants, so the gRPC thread that brings it also answers it. It
// deletes itself when gRPC is done with it.
class GetModelCall final : public grpc::ServerUnaryReactor {
 public:
  GetModelCall(CallServices& services, const MethodMetrics& metrics,
               grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
               grpc::ByteBuffer& response);

 private:
  // A name needs far fewer. A message may have any number of unknown fields, and each takes 60
  // bytes in memory.
  static constexpr std::size_t kMaxRequestBytes = 4096;

  absl::Status Answer(CallServices& services, const grpc::ByteBuffer& request_bytes,
                      grpc::ByteBuffer& response_bytes);
  void OnDone() override { delete this; }

  CallScope scope_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_GET_MODEL_H_
