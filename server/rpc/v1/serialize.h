#ifndef SYNTH_SERVER_RPC_V1_SERIALIZE_H_
#define SYNTH_SERVER_RPC_V1_SERIALIZE_H_

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>

#include <string>

#include "absl/status/status.h"

namespace synth::server {

// Writes a message into the bytes that gRPC sends. INTERNAL if it does not fit into 2 GB.
template <typename Message>
absl::Status Serialize(const Message& message, grpc::ByteBuffer& bytes) {
  bool own_buffer = false;
  const grpc::Status status =
      grpc::SerializationTraits<Message>::Serialize(message, &bytes, &own_buffer);
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_SERIALIZE_H_
