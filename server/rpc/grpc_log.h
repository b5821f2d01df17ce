#ifndef SYNTH_SERVER_RPC_GRPC_LOG_H_
#define SYNTH_SERVER_RPC_GRPC_LOG_H_

namespace synth::server {

// Sends what gRPC logs to the server's log, from here on and for the whole process. Clients can
// make gRPC complain as often as they like. An error is therefore logged at once when it is the
// first from its line of gRPC's source, then at most once in ten seconds with the number since.
// Long messages are cut.
void TakeGrpcLog();

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_GRPC_LOG_H_
