#include "server/rpc/channelz.h"

#include <grpc/grpc.h>
#include <grpc/support/alloc.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace synth::server {
namespace {

// A 64-bit number of proto3's JSON, which writes it as a string, and leaves a zero out.
std::int64_t Number(const nlohmann::json& data, const char* key) {
  const auto value = data.find(key);
  if (value == data.end() || !value->is_string()) return 0;
  return std::stoll(value->get<std::string>());
}

}  // namespace

std::int64_t CountGrpcCalls() {
  const std::unique_ptr<char, void (*)(void*)> text(grpc_channelz_get_servers(0), gpr_free);
  std::int64_t calls = 0;
  if (!text) return calls;
  const nlohmann::json answer = nlohmann::json::parse(text.get(), nullptr, false);
  const auto servers = answer.find("server");
  if (!answer.is_object() || servers == answer.end()) return calls;
  for (const nlohmann::json& server : *servers) {
    const auto data = server.find("data");
    if (data == server.end()) continue;
    calls += Number(*data, "callsStarted");
  }
  return calls;
}

}  // namespace synth::server
