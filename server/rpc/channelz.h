#ifndef SYNTH_SERVER_RPC_CHANNELZ_H_
#define SYNTH_SERVER_RPC_CHANNELZ_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "server/base/sockets.h"

// What gRPC itself counts, asked of its channelz. Servers must have GRPC_ARG_ENABLE_CHANNELZ.
namespace synth::server {

// Calls of any kind that this process's servers began. A call that gRPC refuses (a message too
// large, a method that nobody serves) is counted here and reaches no service. Takes some
// microseconds.
std::int64_t CountGrpcCalls();

// One connection of a client.
struct GrpcSocketCounts {
  std::int64_t streams_begun = 0;
  // Streams whose memory is held: begun, and not yet destroyed. A stream that the client reset
  // counts until gRPC has come to it.
  std::int64_t streams_held = 0;
  std::int64_t messages_received = 0;
};

// What gRPC calls the other end of a connection: "ipv4:1.2.3.4:5", "ipv6:%5B::1%5D:5".
std::string GrpcPeerName(const SocketAddress& peer);

// gRPC's numbers of the connections of this process's servers, by GrpcPeerName. Takes about a
// microsecond for a connection.
std::unordered_map<std::string, std::int64_t> ListGrpcSockets();

// The counts of the connection with this number, if it is open. Takes about 20 microseconds.
std::optional<GrpcSocketCounts> ReadGrpcSocket(std::int64_t number);

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CHANNELZ_H_
