#include "client/synthctl/options.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "client/synthctl/format.h"
#include "synth/client/status.h"

namespace synth::synthctl {
namespace {

constexpr double kMaxDeadlineSeconds = 86'400;

int Fail(absl::string_view message, ExitCode code) {
  absl::FPrintF(stderr, "synthctl: %s\n", message);
  return code;
}

}  // namespace

client::ClientOptions GlobalOptions::ForClient(int default_attempts) const {
  client::ClientOptions options;
  options.target = server;
  options.default_deadline = ToMillis(deadline_seconds);
  options.retry.max_attempts = attempts.value_or(default_attempts);
  options.user_agent = "synthctl";
  return options;
}

void AddGlobalOptions(CLI::App& app, GlobalOptions& globals) {
  app.add_option("--server", globals.server, "where the server listens")
      ->envname("SYNTHCTL_SERVER")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--model", globals.model,
                 "the model's name; without it the server's default model")
      ->type_name("NAME");
  app.add_option("--deadline", globals.deadline_seconds,
                 "for each request, all its --attempts included")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, kMaxDeadlineSeconds))
      ->capture_default_str();
  app.add_option("--attempts", globals.attempts,
                 "how often to try a request while the server is away or, but for texts in bulk, "
                 "busy, 1 to 5 [4; load: 1]")
      ->type_name("N")
      ->check(CLI::Range(1, 5));
}

std::chrono::milliseconds ToMillis(double seconds) {
  constexpr double kMillisPerSecond = 1000;
  return std::chrono::milliseconds(std::llround(seconds * kMillisPerSecond));
}

int FailServer(const absl::Status& status) { return Fail(Describe(status), kServerError); }

int FailUsage(absl::string_view message) { return Fail(message, kUsage); }

int FailFile(absl::string_view message) { return Fail(message, kFileError); }

}  // namespace synth::synthctl
