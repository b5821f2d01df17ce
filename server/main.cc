// synthserve: serves Synthesizer text encoders over gRPC. See server.h for what it is made of.

#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "server/base/logging.h"
#include "server/options.h"
#include "server/server.h"

namespace synth::server {
namespace {

// Blocks SIGTERM and SIGINT in this thread and in all that it starts, so that Wait gets them.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  // The first signal returns; a second one, while the server drains, ends the process at once.
  int Wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
    return signal;
  }

 private:
  sigset_t set_{};
};

// The soft limit is small for the sake of old programs that use select(2); the hard one is what the
// administrator allows.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Run(int argc, const char* const* argv) {
  const std::variant<Options, ExitCode> parsed = ParseOptions(argc, argv);
  if (const auto* exit_code = std::get_if<ExitCode>(&parsed)) return exit_code->code;
  const auto& options = std::get<Options>(parsed);
  SetUpLogging(options.log_format, options.log_level);

  RaiseDescriptorLimit();

  const StopSignals stop_signals;
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options);
  if (!server.ok()) {
    Log(spdlog::level::err, "start_failed", {{"error", std::string(server.status().message())}});
    return 1;
  }
  const int signal = stop_signals.Wait();
  Log(spdlog::level::info, "signal", {{"name", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  return (*server)->Drain() ? 0 : 1;
}

}  // namespace
}  // namespace synth::server

int main(int argc, char** argv) {
  try {
    return synth::server::Run(argc, argv);
  } catch (
      const std::exception& error) {  // out of memory, or a defect: nothing here throws on purpose
    std::fprintf(stderr, "synthserve: %s\n", error.what());
    return 1;
  }
}
