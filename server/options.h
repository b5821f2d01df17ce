#ifndef SYNTH_SERVER_OPTIONS_H_
#define SYNTH_SERVER_OPTIONS_H_

#include <spdlog/common.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/base/defaults.h"
#include "server/base/logging.h"
#include "synth/precision.h"

namespace synth::server {

// Everything an operator can set. Each field is a flag, an environment variable and a key of the
// configuration file; options.cc holds their names and help texts, which take their defaults from
// here.
struct Options {
  struct ModelSource {
    std::string name;
    std::string folder;
    std::optional<Precision> precision{};  // nothing: Options::precision
  };
  std::vector<ModelSource> models;  // one or more; the first is the default

  std::string listen = "127.0.0.1:50051";         // gRPC; port 0 picks a free one
  std::string metrics_listen = "127.0.0.1:9464";  // HTTP; empty: none; port 0 picks a free one

  Precision precision = Precision::kF32;  // of models that name none

  int lanes = 0;  // 0: the CPUs this process may use
  int max_batch_tokens = defaults::kMaxBatchTokens;
  std::int64_t max_queue_tokens = defaults::kMaxQueueTokens;
  std::chrono::milliseconds max_queue_time = defaults::kMaxQueueTime;

  int max_texts = defaults::kMaxTexts;
  std::int64_t max_text_bytes = defaults::kMaxTextBytes;
  int max_message_bytes = defaults::kMaxMessageBytes;

  // Answers that clients have not taken yet: how long one may wait, and bytes of all of them.
  std::chrono::milliseconds response_timeout = defaults::kResponseTimeout;
  std::int64_t max_unflushed_bytes = defaults::kMaxUnflushedBytes;

  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds drain_timeout{20'000};

  // At most what the descriptor limit leaves room for.
  int max_connections = defaults::kMaxConnections;
  int max_connections_per_address = 1000;                      // 0: no limit
  std::chrono::milliseconds max_connection_idle{600'000};      // 0: no limit
  std::chrono::milliseconds max_connection_age{0};             // 0: no limit
  std::chrono::milliseconds max_connection_age_grace{30'000};  // calls in flight at that age
  std::chrono::milliseconds keepalive_time{60'000};            // 0: no pings
  std::chrono::milliseconds keepalive_timeout = defaults::kKeepaliveTimeout;  // > 0

  LogFormat log_format = LogFormat::kText;
  spdlog::level::level_enum log_level = spdlog::level::info;
};

// The program should end at once with this exit code; what there was to say has been printed.
struct ExitCode {
  int code = 0;
};

// Reads the command line, the environment and the configuration file (in that order of precedence).
// Prints help, the version and errors itself.
std::variant<Options, ExitCode> ParseOptions(int argc, const char* const* argv);

}  // namespace synth::server

#endif  // SYNTH_SERVER_OPTIONS_H_
