// synthctl health: whether the server takes calls. For people, scripts and container health checks.
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "client/synthctl/options.h"

namespace synth::synthctl {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  synthctl health                                # exit code 0: SERVING\n"
    "  synthctl health --wait 60 && synthctl model    # until the server has started\n"
    "  synthctl health --service synth.v1.Inference\n";

constexpr double kMaxWaitSeconds = 86'400;

struct HealthOptions {
  std::string service;
  double wait_seconds = 0;
};

const char* Name(client::Health health) {
  switch (health) {
    case client::Health::kServing:
      return "SERVING";
    case client::Health::kNotServing:
      return "NOT_SERVING";
    case client::Health::kServiceUnknown:
      return "SERVICE_UNKNOWN";
    case client::Health::kUnknown:
      break;
  }
  return "UNKNOWN";
}

int RunHealth(const HealthOptions& options, const GlobalOptions& globals) {
  auto client = client::Client::Create(globals.ForClient(1));
  if (!client.ok()) return FailUsage(client.status().message());
  if (options.wait_seconds > 0) {
    const absl::Status waited =
        (*client)->WaitUntilServing(ToMillis(options.wait_seconds), options.service);
    if (!waited.ok()) {
      FailServer(waited);
      return waited.code() == absl::StatusCode::kDeadlineExceeded ? kNotServing : kServerError;
    }
    std::puts(Name(client::Health::kServing));
    return kOk;
  }
  const absl::StatusOr<client::Health> health = (*client)->CheckHealth(options.service);
  if (!health.ok()) return FailServer(health.status());
  std::puts(Name(*health));
  return *health == client::Health::kServing ? kOk : kNotServing;
}

}  // namespace

void AddHealth(CLI::App& app, const GlobalOptions& globals, Action& action) {
  CLI::App* command = app.add_subcommand("health", "Ask whether the server takes calls");
  auto options = std::make_shared<HealthOptions>();
  command
      ->add_option("--service", options->service, "of this gRPC service; without it of the server")
      ->type_name("NAME");
  command
      ->add_option("--wait", options->wait_seconds,
                   "wait up to so long until it is SERVING; else exit code 4")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, kMaxWaitSeconds));
  command->footer(kExamples);
  command->callback([options, &globals, &action] {
    action = [options, &globals] { return RunHealth(*options, globals); };
  });
}

}  // namespace synth::synthctl
