#include "server/base/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <string>

namespace synth::server {
namespace {

std::atomic<LogFormat> log_format{LogFormat::kText};

// Facts may hold a client's bytes; what is not UTF-8 is replaced, never thrown over.
std::string Dump(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string AsText(std::string_view event, const nlohmann::ordered_json& facts) {
  std::string line(event);
  for (const auto& [key, value] : facts.items()) line += " " + key + "=" + Dump(value);
  return line;
}

// The inside of the object that the pattern opens and closes.
std::string AsJson(std::string_view event, const nlohmann::ordered_json& facts) {
  nlohmann::ordered_json line = {{"event", event}};
  line.update(facts);
  std::string text = Dump(line);
  return text.substr(1, text.size() - 2);
}

}  // namespace

void SetUpLogging(LogFormat format, spdlog::level::level_enum level) {
  log_format = format;
  auto logger = std::make_shared<spdlog::logger>("synthserve",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(level);
  logger->set_pattern(format == LogFormat::kJson
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                          : "%Y-%m-%dT%H:%M:%S.%e%z %-8l %v");
  spdlog::set_default_logger(std::move(logger));
}

void Log(spdlog::level::level_enum level, std::string_view event,
         const nlohmann::ordered_json& facts) {
  if (!spdlog::should_log(level)) return;
  spdlog::log(level, "{}",
              log_format == LogFormat::kJson ? AsJson(event, facts) : AsText(event, facts));
}

}  // namespace synth::server
