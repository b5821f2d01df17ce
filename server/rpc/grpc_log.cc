#include "server/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "server/base/log_limit.h"
#include "server/base/logging.h"
#include "synth/utf8.h"

namespace synth::server {
namespace {

// Errors of gRPC may quote what a client sent.
constexpr std::size_t kMostBytes = 400;

// File names are literals of gRPC's.
using Place = std::pair<std::string_view, int>;

LogLimit<Place>& Limit() {
  static LogLimit<Place> limit;
  return limit;
}

// Called from C: nothing may be thrown.
void LogForGrpc(gpr_log_func_args* args) try {
  const nlohmann::ordered_json facts = {
      {"file", args->file}, {"line", args->line}, {"message", Excerpt(args->message, kMostBytes)}};
  if (args->severity != GPR_LOG_SEVERITY_ERROR) return Log(spdlog::level::debug, "grpc", facts);
  const std::optional<std::int64_t> count = Limit().Count({args->file, args->line});
  if (!count) return;
  nlohmann::ordered_json counted = facts;
  counted["count"] = *count;
  Log(spdlog::level::err, "grpc", counted);
} catch (const std::exception&) {
  return;  // no memory: there is more to complain about than this
}

}  // namespace

void TakeGrpcLog() { gpr_set_log_function(LogForGrpc); }

}  // namespace synth::server
