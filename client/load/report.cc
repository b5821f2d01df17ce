#include "client/load/report.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace synth::load {
namespace {

constexpr double kNanosPerSecond = 1e9;
constexpr double kNanosPerMilli = 1e6;
constexpr double kMillisPerSecond = 1e3;
constexpr double kMicrosPerSecond = 1e6;

constexpr std::array<std::pair<const char*, double>, 5> kPercentiles = {
    {{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p99.9", 99.9}}};

// Sends that are later than this at the 99th percentile make the measured latencies doubtful.
constexpr std::chrono::nanoseconds kTolerableLateness = std::chrono::milliseconds(1);

double Seconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / kNanosPerSecond;
}

double Millis(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / kNanosPerMilli;
}

double Ratio(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : 0.0;
}

// The numbers that both forms show.
struct Derived {
  double window;  // seconds
  double requests_per_second;
  double texts_per_second;
  double goodput;  // requests per second
  uint64_t succeeded;
  uint64_t failed;
  double cpu_cores;
  double cpu_per_request;  // seconds
};

Derived Derive(const LoadOptions& options, const LoadReport& report) {
  const Measurements& measured = report.measured;
  const double window = Seconds(options.duration);
  const uint64_t succeeded = measured.latency.Count();
  return {
      .window = window,
      .requests_per_second = static_cast<double>(measured.finished_requests) / window,
      .texts_per_second = static_cast<double>(measured.finished_texts) / window,
      .goodput = static_cast<double>(measured.within_target) / window,
      .succeeded = succeeded,
      .failed = measured.requests - succeeded,
      .cpu_cores = report.client_cpu_seconds / window,
      .cpu_per_request = Ratio(report.client_cpu_seconds, static_cast<double>(measured.requests))};
}

const char* MethodName(LoadOptions::Method method) {
  return method == LoadOptions::Method::kEncode ? "encode" : "classify";
}

const char* SpacingName(Arrivals::Spacing spacing) {
  return spacing == Arrivals::Spacing::kPoisson ? "poisson" : "constant";
}

std::string LoadName(const LoadOptions& options) {
  if (!options.rate.has_value()) {
    return absl::StrFormat("closed loop, %d callers", options.concurrency);
  }
  return absl::StrFormat("open loop, %g requests/s, %s arrivals", *options.rate,
                         SpacingName(options.spacing));
}

}  // namespace

std::string ReportText(const LoadOptions& options, const LoadReport& report) {
  const Measurements& measured = report.measured;
  const Derived derived = Derive(options, report);
  const auto succeeded = static_cast<double>(derived.succeeded);
  std::string text;
  absl::StrAppendFormat(&text, "model        %s  %.12s\n", report.model, report.digest);
  absl::StrAppendFormat(&text, "load         %s, %s, %d texts/request, %d connections\n",
                        LoadName(options), MethodName(options.method), options.texts_per_request,
                        options.channels);
  absl::StrAppendFormat(&text, "measured     %g s after %g s of warm-up\n", derived.window,
                        Seconds(options.warmup));
  absl::StrAppendFormat(&text, "requests     %d, of which %d succeeded and %d failed\n",
                        measured.requests, derived.succeeded, derived.failed);
  for (const auto& [code, count] : measured.errors) {
    absl::StrAppendFormat(&text, "  %-22s %d\n", absl::StatusCodeToString(code), count);
  }
  if (measured.not_sent > 0) {
    absl::StrAppendFormat(&text, "  %-22s %d (%d requests were under way)\n", "not sent",
                          measured.not_sent, options.max_outstanding);
  }
  absl::StrAppendFormat(&text, "throughput   %.1f requests/s, %.1f texts/s\n",
                        derived.requests_per_second, derived.texts_per_second);
  absl::StrAppendFormat(&text, "goodput      %.1f requests/s within %g ms (%.2f %% of all)\n",
                        derived.goodput, Millis(options.target),
                        100 * Ratio(static_cast<double>(measured.within_target),
                                    static_cast<double>(measured.requests)));
  absl::StrAppend(&text, "latency [ms]");
  for (const auto& [name, percent] : kPercentiles) {
    absl::StrAppendFormat(&text, " %s %.3f ", name, Millis(measured.latency.Percentile(percent)));
  }
  absl::StrAppendFormat(&text, " max %.3f  mean %.3f\n", Millis(measured.latency.Max()),
                        measured.latency.MeanNanoseconds() / kNanosPerMilli);
  absl::StrAppendFormat(&text,
                        "server [ms]  mean total %.3f  queue %.3f  tokenize %.3f  compute %.3f\n",
                        kMillisPerSecond * Ratio(measured.server_total, succeeded),
                        kMillisPerSecond * Ratio(measured.server_queue, succeeded),
                        kMillisPerSecond * Ratio(measured.server_tokenize, succeeded),
                        kMillisPerSecond * Ratio(measured.server_compute, succeeded));
  absl::StrAppendFormat(&text, "texts        %d, of which %d truncated and %d failed\n",
                        measured.texts, measured.truncated_texts, measured.failed_texts);
  absl::StrAppendFormat(&text, "client       %.2f CPUs, %.1f us of CPU/request\n",
                        derived.cpu_cores, kMicrosPerSecond * derived.cpu_per_request);
  if (options.rate.has_value()) {
    const std::chrono::nanoseconds late = measured.lateness.Percentile(99);
    absl::StrAppendFormat(
        &text, "sent late    p99 %.3f ms, max %.3f ms%s\n", Millis(late),
        Millis(measured.lateness.Max()),
        late > kTolerableLateness ? ": THE CLIENT IS TOO SLOW, latencies contain its delay" : "");
  }
  return text;
}

nlohmann::ordered_json ReportJson(const LoadOptions& options, const LoadReport& report) {
  using nlohmann::ordered_json;
  const Measurements& measured = report.measured;
  const Derived derived = Derive(options, report);
  const auto succeeded = static_cast<double>(derived.succeeded);

  ordered_json load = {{"method", MethodName(options.method)},
                       {"loop", options.rate.has_value() ? "open" : "closed"}};
  if (options.rate.has_value()) {
    load["rate"] = *options.rate;
    load["spacing"] = SpacingName(options.spacing);
    load["seed"] = options.seed;
  } else {
    load["concurrency"] = options.concurrency;
  }
  load["texts_per_request"] = options.texts_per_request;
  load["channels"] = options.channels;
  load["warmup_seconds"] = Seconds(options.warmup);
  load["duration_seconds"] = derived.window;

  ordered_json errors = ordered_json::object();
  for (const auto& [code, count] : measured.errors) errors[absl::StatusCodeToString(code)] = count;

  ordered_json latency = ordered_json::object();
  for (const auto& [name, percent] : kPercentiles) {
    latency[name] = Seconds(measured.latency.Percentile(percent));
  }
  latency["max"] = Seconds(measured.latency.Max());
  latency["mean"] = measured.latency.MeanNanoseconds() / kNanosPerSecond;

  return {{"model", {{"name", report.model}, {"digest", report.digest}}},
          {"load", load},
          {"requests",
           {{"total", measured.requests},
            {"succeeded", derived.succeeded},
            {"errors", errors},
            {"not_sent", measured.not_sent}}},
          {"throughput",
           {{"requests_per_second", derived.requests_per_second},
            {"texts_per_second", derived.texts_per_second}}},
          {"goodput",
           {{"target_seconds", Seconds(options.target)},
            {"requests_per_second", derived.goodput},
            {"requests", measured.within_target}}},
          {"latency_seconds", latency},
          {"server_mean_seconds",
           {{"total", Ratio(measured.server_total, succeeded)},
            {"queue", Ratio(measured.server_queue, succeeded)},
            {"tokenize", Ratio(measured.server_tokenize, succeeded)},
            {"compute", Ratio(measured.server_compute, succeeded)}}},
          {"texts",
           {{"total", measured.texts},
            {"truncated", measured.truncated_texts},
            {"failed", measured.failed_texts}}},
          {"client",
           {{"cpu_cores", derived.cpu_cores},
            {"cpu_seconds_per_request", derived.cpu_per_request},
            {"late_p99_seconds", Seconds(measured.lateness.Percentile(99))},
            {"late_max_seconds", Seconds(measured.lateness.Max())}}}};
}

}  // namespace synth::load
