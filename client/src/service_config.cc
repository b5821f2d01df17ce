#include "client/src/service_config.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"

namespace synth::client {
namespace {

// Retries stop while more than about one call in ten fails, so that an overloaded service is not
// buried under them: each failure costs a token, each success earns kRetryTokenRatio, and retries
// need more than half of kRetryTokens.
constexpr int kRetryTokens = 100;
constexpr double kRetryTokenRatio = 0.1;

// A google.protobuf.Duration in JSON: "0.050s".
std::string JsonDuration(std::chrono::milliseconds duration) {
  constexpr int64_t kMillisPerSecond = 1000;
  return absl::StrFormat("%d.%03ds", duration.count() / kMillisPerSecond,
                         duration.count() % kMillisPerSecond);
}

}  // namespace

std::string ServiceConfigJson(const RetryPolicy& retry) {
  using nlohmann::json;
  json config = {{"loadBalancingConfig", json::array({{{"round_robin", json::object()}}})}};
  if (retry.max_attempts > 1) {
    json codes = {"UNAVAILABLE"};
    if (retry.when_busy) codes.push_back("RESOURCE_EXHAUSTED");
    const json policy = {{"maxAttempts", retry.max_attempts},
                         {"initialBackoff", JsonDuration(retry.initial_backoff)},
                         {"maxBackoff", JsonDuration(retry.max_backoff)},
                         {"backoffMultiplier", retry.backoff_multiplier},
                         {"retryableStatusCodes", codes}};
    const json names = json::array({{{"service", "synth.v1.Inference"}}});
    config["methodConfig"] = json::array({{{"name", names}, {"retryPolicy", policy}}});
    config["retryThrottling"] = {{"maxTokens", kRetryTokens}, {"tokenRatio", kRetryTokenRatio}};
  }
  return config.dump();
}

}  // namespace synth::client
