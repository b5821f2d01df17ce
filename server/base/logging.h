#ifndef SYNTH_SERVER_BASE_LOGGING_H_
#define SYNTH_SERVER_BASE_LOGGING_H_

#include <spdlog/common.h>

#include <nlohmann/json.hpp>
#include <string_view>

namespace synth::server {

enum class LogFormat { kText, kJson };

// Sends the log to standard error from here on. Lines below `level` are left out.
void SetUpLogging(LogFormat format, spdlog::level::level_enum level);

// One line: what happened, and the facts as an object. As text, `event key=value ...`; as JSON, one
// object with `time`, `level`, `event` and the facts.
void Log(spdlog::level::level_enum level, std::string_view event,
         const nlohmann::ordered_json& facts = nlohmann::ordered_json::object());

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_LOGGING_H_
