// synthserve: serves Synthesizer text encoders over gRPC. See server.h for what it is made of.

#include <pthread.h>

#include <csignal>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "server/logging.h"
#include "server/options.h"
#include "server/server.h"

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

}  // namespace

int main(int argc, char** argv) {
  using namespace synth::server;  // NOLINT(google-build-using-namespace): main is this namespace's
                                  // program
  const std::variant<Options, ExitCode> parsed = ParseOptions(argc, argv);
  if (const auto* exit_code = std::get_if<ExitCode>(&parsed)) return exit_code->code;
  const auto& options = std::get<Options>(parsed);
  SetUpLogging(options.log_format, options.log_level);

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
