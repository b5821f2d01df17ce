#include "server/base/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "server/base/line_writer.h"

namespace synth::server {
namespace {

std::atomic<LogFormat> log_format{LogFormat::kText};

// Lines that could not even be made, for want of memory.
std::atomic<std::int64_t> unmade_lines = 0;

// Set by SetUpLogging, before other threads log.
std::shared_ptr<LineWriter>& Writer() {
  static std::shared_ptr<LineWriter> writer;
  return writer;
}

// Its lock is held while a line is formatted, never while one is written.
class QueueSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit QueueSink(std::shared_ptr<LineWriter> writer) : writer_(std::move(writer)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    writer_->Write(Format(message));
  }
  void flush_() override {}

  std::string Format(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return {line.data(), line.size()};
  }

  const std::shared_ptr<LineWriter> writer_;
};

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

std::string Line(std::string_view event, const nlohmann::ordered_json& facts) {
  return log_format == LogFormat::kJson ? AsJson(event, facts) : AsText(event, facts);
}

}  // namespace

void SetUpLogging(LogFormat format, spdlog::level::level_enum level) {
  log_format = format;
  const std::string pattern = format == LogFormat::kJson
                                  ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                                  : "%Y-%m-%dT%H:%M:%S.%e%z %-8l %v";
  auto notice = [pattern](std::int64_t count) noexcept -> std::string {
    try {
      const std::string text = Line("log_dropped", {{"lines", count}});
      spdlog::memory_buf_t line;
      spdlog::pattern_formatter(pattern).format(
          spdlog::details::log_msg("synthserve", spdlog::level::warn, text), line);
      return {line.data(), line.size()};
    } catch (const std::exception&) {
      return "";
    }
  };
  Writer() = std::make_shared<LineWriter>(STDERR_FILENO, notice);
  auto logger =
      std::make_shared<spdlog::logger>("synthserve", std::make_shared<QueueSink>(Writer()));
  logger->set_level(level);
  logger->set_pattern(pattern);
  spdlog::set_default_logger(std::move(logger));
}

void Log(spdlog::level::level_enum level, std::string_view event,
         const nlohmann::ordered_json& facts) noexcept try {
  if (!spdlog::should_log(level)) return;
  spdlog::log(level, "{}", Line(event, facts));
} catch (const std::exception&) {
  ++unmade_lines;
}

bool FlushLog(Duration patience) { return Writer() == nullptr || Writer()->Flush(patience); }

bool IsLogWritten() { return Writer() == nullptr || Writer()->is_idle(); }

std::int64_t DroppedLogLines() {
  return unmade_lines + (Writer() == nullptr ? 0 : Writer()->dropped());
}

}  // namespace synth::server
