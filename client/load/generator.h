// Puts a load on a server and measures it.
#ifndef SYNTH_CLIENT_LOAD_GENERATOR_H_
#define SYNTH_CLIENT_LOAD_GENERATOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/arrivals.h"
#include "client/load/recorder.h"
#include "synth/client/client.h"

namespace synth::load {

struct LoadOptions {
  enum class Method { kEncode, kClassify };
  Method method = Method::kClassify;
  std::string model;  // empty: the server's default model

  // Open loop if set: requests per second (> 0), sent when they are due whatever came back so far.
  // Otherwise closed loop: `concurrency` callers, each of whom sends as soon as it has its answer.
  std::optional<double> rate;
  Arrivals::Spacing spacing = Arrivals::Spacing::kConstant;
  uint64_t seed = 1;  // of Poisson arrivals
  std::size_t max_outstanding =
      10'000;                   // open loop: a request due beyond this many counts as not sent
  std::size_t concurrency = 1;  // >= 1

  std::chrono::nanoseconds warmup = std::chrono::seconds(2);     // not measured; >= 0
  std::chrono::nanoseconds duration = std::chrono::seconds(10);  // measured, after the warm-up; > 0
  std::chrono::nanoseconds target = std::chrono::milliseconds(100);  // for the goodput

  std::size_t texts_per_request = 1;  // >= 1
  std::size_t channels = 1;           // connections, used in turn; >= 1
};

struct LoadReport {
  std::string model;  // name and digest, as the server gave them
  std::string digest;
  Measurements measured;
  double client_cpu_seconds = 0;  // of this process, in the window
};

// Runs for warmup + duration, and then until the last request has ended, which
// `client.default_deadline` bounds. Blocks. Errors: of the options, and of a first call that asks
// the server for its model; failures of requests are in the report.
absl::StatusOr<LoadReport> RunLoad(const LoadOptions& options, const client::ClientOptions& client,
                                   const std::vector<std::string>& texts);

}  // namespace synth::load

#endif  // SYNTH_CLIENT_LOAD_GENERATOR_H_
