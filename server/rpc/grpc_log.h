#ifndef SYNTH_SERVER_RPC_GRPC_LOG_H_
#define SYNTH_SERVER_RPC_GRPC_LOG_H_

namespace synth::server {

// Sends what gRPC has to say to the server's log, from here on and for the whole process. Clients
// can make gRPC complain as often as they like: of its errors, each line of its source is logged at
// once, then at most once in ten seconds with the number since, and cut where it is long.
void TakeGrpcLog();

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_GRPC_LOG_H_
