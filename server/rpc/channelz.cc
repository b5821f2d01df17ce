#include "server/rpc/channelz.h"

#include <arpa/inet.h>
#include <grpc/grpc.h>
#include <grpc/support/alloc.h>
#include <netinet/in.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace synth::server {
namespace {

using Json = nlohmann::json;

// An answer of channelz, which is null or an object. Takes over `text`.
Json Parse(char* text) {
  if (text == nullptr) return {};
  Json answer = Json::parse(text, nullptr, false);
  gpr_free(text);
  return answer.is_object() ? std::move(answer) : Json();
}

// null if there is no such key.
const Json& Find(const Json& object, const char* key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto value = object.find(key);
  return value == object.end() ? kNone : *value;
}

// A 64-bit number of proto3's JSON, which writes it as a string, and leaves a zero out.
std::int64_t Number(const Json& data, const char* key) {
  const Json& value = Find(data, key);
  std::int64_t number = 0;
  return value.is_string() && absl::SimpleAtoi(value.get_ref<const std::string&>(), &number)
             ? number
             : 0;
}

}  // namespace

std::int64_t CountGrpcCalls() {
  const Json servers = Parse(grpc_channelz_get_servers(0));
  std::int64_t calls = 0;
  for (const Json& server : Find(servers, "server"))
    calls += Number(Find(server, "data"), "callsStarted");
  return calls;
}

std::string GrpcPeerName(const SocketAddress& peer) {
  const auto& v6 = *static_cast<const sockaddr_in6*>(static_cast<const void*>(&peer.storage));
  if (peer.storage.ss_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
    return absl::StrCat("ipv4:", peer.Host(), ":", peer.port());
  std::array<char, INET6_ADDRSTRLEN> host{};
  inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
  const std::string zone = v6.sin6_scope_id == 0 ? "" : absl::StrCat("%25", v6.sin6_scope_id);
  return absl::StrCat("ipv6:%5B", host.data(), zone, "%5D:", peer.port());
}

std::unordered_map<std::string, std::int64_t> ListGrpcSockets() {
  std::unordered_map<std::string, std::int64_t> sockets;
  const Json servers = Parse(grpc_channelz_get_servers(0));
  for (const Json& server : Find(servers, "server")) {
    const std::int64_t server_number = Number(Find(server, "ref"), "serverId");
    std::int64_t next = 0;
    while (true) {
      const Json page = Parse(grpc_channelz_get_server_sockets(server_number, next, 0));
      for (const Json& socket : Find(page, "socketRef")) {
        const std::int64_t number = Number(socket, "socketId");
        next = number + 1;
        const Json& name = Find(socket, "name");
        if (!name.is_string()) continue;
        // "chttp2 ipv4:127.0.0.1:4711"
        const std::vector<std::string> words =
            absl::StrSplit(name.get_ref<const std::string&>(), ' ');
        sockets[words.back()] = number;
      }
      if (Find(page, "end") == Json(true) || Find(page, "socketRef").empty()) break;
    }
  }
  return sockets;
}

std::optional<GrpcSocketCounts> ReadGrpcSocket(std::int64_t number) {
  const Json answer = Parse(grpc_channelz_get_socket(number));
  const Json& data = Find(Find(answer, "socket"), "data");
  if (!data.is_object()) return std::nullopt;
  const std::int64_t begun = Number(data, "streamsStarted");
  return GrpcSocketCounts{
      .streams_begun = begun,
      .streams_held = begun - Number(data, "streamsSucceeded") - Number(data, "streamsFailed"),
      .messages_received = Number(data, "messagesReceived")};
}

}  // namespace synth::server
