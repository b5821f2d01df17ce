// synthserve: serves Synthesizer text encoders over gRPC. See server.h for what it is made of.

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "server/base/free_memory.h"
#include "server/base/last_words.h"
#include "server/base/logging.h"
#include "server/base/signals.h"
#include "server/options.h"
#include "server/server.h"

namespace synth::server {
namespace {

// How long the last lines of the log may take to be written. A reader that does not read them does
// not hold up the end of the process.
constexpr std::chrono::seconds kLogPatience{1};

// How often memory that requests have freed is given back, and how much of it is kept for the next.
constexpr std::chrono::seconds kTick{5};
constexpr std::int64_t kKeptMemory = 4 << 20;
// A block of the allocator larger than that is a mapping of its own.
constexpr int kLargeBlock = 1 << 20;

// The soft limit is small for the sake of old programs that use select(2); the hard one is what the
// administrator allows.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Serve(const Options& options, const Signals& signals) {
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options);
  if (!server.ok()) {
    Log(spdlog::level::err, "start_failed", {{"error", std::string(server.status().message())}});
    return 1;
  }
  FreeMemory memory(kKeptMemory);
  signals.WaitForStop(kTick, [&] { memory.Return(); });
  return (*server)->Drain() ? 0 : 1;
}

int Run(int argc, const char* const* argv) {
  FixAllocatorThresholds(kLargeBlock);
  const Signals signals;
  const std::variant<Options, ExitCode> parsed = ParseOptions(argc, argv);
  if (const auto* exit_code = std::get_if<ExitCode>(&parsed)) return exit_code->code;
  const auto& options = std::get<Options>(parsed);
  SetUpLogging(options.log_format, options.log_level);
  SetUpLastWords(options.log_format);
  RaiseDescriptorLimit();
  const int exit_code = Serve(options, signals);
  FlushLog(kLogPatience);
  return exit_code;
}

}  // namespace
}  // namespace synth::server

int main(int argc, char** argv) {
  try {
    return synth::server::Run(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, or a defect: nothing here throws on purpose.
    synth::server::WriteLastWords(std::string("synthserve: ") + error.what() + "\n");
    return 1;
  }
}
