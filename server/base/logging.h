#ifndef SYNTH_SERVER_BASE_LOGGING_H_
#define SYNTH_SERVER_BASE_LOGGING_H_

#include <spdlog/common.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "server/base/clock.h"

namespace synth::server {

enum class LogFormat { kText, kJson };

// Sends the log to standard error from here on. Lines below `level` are left out. The log's own
// thread writes them: before this call, block the signals that another thread waits for.
void SetUpLogging(LogFormat format, spdlog::level::level_enum level);

// One line: what happened, and the facts as an object. As text, `event key=value ...`; as JSON, one
// object with `time`, `level`, `event` and the facts. Never waits for the log's reader: if too much
// waits already, the line is dropped. Never throws.
void Log(spdlog::level::level_enum level, std::string_view event,
         const nlohmann::ordered_json& facts = nlohmann::ordered_json::object()) noexcept;

// Waits until the log has been written. False if that took longer than `patience`. Call it before
// the process ends.
bool FlushLog(Duration patience);

// True if nothing waits to be written. May be asked in a signal handler.
bool IsLogWritten();

// Lines that were dropped because nobody read the log, or not fast enough.
std::int64_t DroppedLogLines();

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_LOGGING_H_
