#ifndef SYNTH_SERVER_RPC_CHANNELZ_H_
#define SYNTH_SERVER_RPC_CHANNELZ_H_

#include <cstdint>

namespace synth::server {

// Calls of any kind that this process's servers began, as gRPC itself counts them. A call that gRPC
// refuses (a message too large, a method that nobody serves) is counted here and reaches no
// service. Asks gRPC's channelz, in some microseconds; servers must have GRPC_ARG_ENABLE_CHANNELZ.
std::int64_t CountGrpcCalls();

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CHANNELZ_H_
