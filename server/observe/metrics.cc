#include "server/observe/metrics.h"

#include <prometheus/family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "server/version.h"
#include "synth/precision.h"

namespace synth::server {
namespace {

using prometheus::Histogram;
using scheduling::DropReason;
using scheduling::RefusalReason;

// 100 µs to 10 s, three to a decade: from the cost of a text on an idle server to the longest wait
// that clients accept. Two more between 100 and 250 ms, where the tail of a loaded server lies:
// a quantile is interpolated inside its bucket, so a wide one hides whether a target is met.
const Histogram::BucketBoundaries kLatency = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                              0.01,   0.025,   0.05,   0.1,   0.15,   0.2,
                                              0.25,   0.5,     1,      2.5,   5,      10};
const Histogram::BucketBoundaries kTexts = {1, 2, 4, 8, 16, 32, 64, 128, 256};
const Histogram::BucketBoundaries kTokens = {8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

// The names of grpc::StatusCode, in its order.
constexpr const char* kCodeNames[] = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

constexpr const char* kRefusalNames[] = {"queue_full", "predicted_wait", "deadline"};
constexpr const char* kConnectionRefusalNames[] = {"total", "address"};
constexpr const char* kConnectionAbuseNames[] = {"streams", "bytes"};
constexpr const char* kDropNames[] = {"cancelled", "deadline"};

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Every family, named once. Families are created when they are first asked for.
class Families {
 public:
  explicit Families(prometheus::Registry& registry) : registry_(registry) {}

  Histogram& Latency(const char* name, const char* help, const prometheus::Labels& labels) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels,
                                                                                      kLatency);
  }
  Histogram& Sizes(const char* name, const char* help, const prometheus::Labels& labels,
                   const Histogram::BucketBoundaries& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels,
                                                                                      buckets);
  }
  prometheus::Counter& Counter(const char* name, const char* help,
                               const prometheus::Labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
  }
  prometheus::Gauge& Gauge(const char* name, const char* help, const prometheus::Labels& labels) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
  }

 private:
  prometheus::Registry& registry_;
};

}  // namespace

void MethodMetrics::OnStarted() const { started_->Increment(); }

void MethodMetrics::OnHandled(absl::StatusCode code, Duration time) const {
  const int number = static_cast<int>(code);
  const int index =
      number >= 0 && number < kCodes ? number : static_cast<int>(absl::StatusCode::kUnknown);
  handled_.at(static_cast<std::size_t>(index))->Increment();
  seconds_->Observe(Seconds(time));
}

void ModelMetrics::OnRefused(RefusalReason reason) {
  refused_.at(static_cast<std::size_t>(reason))->Increment();
}

void ModelMetrics::OnDropped(DropReason reason) {
  dropped_.at(static_cast<std::size_t>(reason))->Increment();
}

void ModelMetrics::OnTokenized(const scheduling::Job& job) {
  tokenize_seconds_->Observe(Seconds(job.tokenize_time));
  if (!job.status.ok()) {
    failed_->Increment();
  } else if (job.original_tokens > job.tokens) {
    truncated_->Increment();
  }
}

void ModelMetrics::OnBatchStarted(std::span<scheduling::Job* const> batch, int tokens) {
  batch_texts_->Observe(static_cast<double>(batch.size()));
  batch_tokens_->Observe(tokens);
  for (const scheduling::Job* job : batch) {
    if (job->stands_for_text()) queue_seconds_->Observe(Seconds(job->queue_time));
  }
}

void ModelMetrics::OnBatchDone(std::span<scheduling::Job* const> batch, int tokens,
                               Duration compute_time) {
  compute_seconds_->Observe(Seconds(compute_time));
  texts_->Increment(static_cast<double>(
      std::ranges::count_if(batch, [](const auto* job) { return job->stands_for_text(); })));
  tokens_->Increment(tokens);
}

void ModelMetrics::SetLoad(const scheduling::Scheduler::Load& load) const {
  queue_texts_->Set(static_cast<double>(load.queued_texts));
  queue_tokens_->Set(static_cast<double>(load.queued_tokens));
  lanes_busy_->Set(load.busy_lanes);
}

void ModelMetrics::SetAttentionBytes(std::size_t bytes) const {
  attention_bytes_->Set(static_cast<double>(bytes));
}

Metrics::Metrics() {
  Families(registry_)
      .Gauge("synth_build_info", "Always 1; the version is a label", {{"version", kVersion}})
      .Set(1);
  Families families(registry_);
  streams_ =
      &families.Gauge("synth_streams", "Calls from their arrival until gRPC is done with them", {});
  unflushed_bytes_ = &families.Gauge("synth_unflushed_bytes",
                                     "Bytes of responses that clients have not taken yet", {});
  grpc_calls_started_ = &families.Counter(
      "synth_grpc_calls_started_total",
      "Calls of any kind that gRPC began, those that it refused by itself included", {});
  AddConnections();
}

void Metrics::AddConnections() {
  Families families(registry_);
  connections_.open_ =
      &families.Gauge("synth_connections", "Open connections of the gRPC port", {});
  for (std::size_t reason = 0; reason < connections_.refused_.size(); ++reason) {
    connections_.refused_.at(reason) = &families.Counter(
        "synth_connections_refused_total",
        "Connections closed at once because a limit was reached: of all, or of one address",
        {{"reason", kConnectionRefusalNames[reason]}});
  }
  for (std::size_t reason = 0; reason < connections_.closed_.size(); ++reason) {
    connections_.closed_.at(reason) = &families.Counter(
        "synth_connections_closed_total",
        "Connections closed for what they sent: streams begun and reset faster than gRPC could end "
        "them, or bytes that belong to no call",
        {{"reason", kConnectionAbuseNames[reason]}});
  }
  connections_.pauses_ =
      &families.Counter("synth_accept_pauses_total",
                        "Times that accepting was held up by a lack of descriptors or memory", {});
  connections_.delayed_ = &families.Counter(
      "synth_connections_delayed_total",
      "New connections that waited because one of their address was closed for what it sent", {});
}

const MethodMetrics& Metrics::AddMethod(const std::string& service, const std::string& method,
                                        const std::string& type) {
  Families families(registry_);
  const prometheus::Labels labels = {
      {"grpc_type", type}, {"grpc_service", service}, {"grpc_method", method}};
  MethodMetrics& metrics = methods_.emplace_back();
  metrics.method_ = method;
  metrics.started_ =
      &families.Counter("grpc_server_started_total", "Calls started on the server", labels);
  metrics.received_ =
      &families.Counter("grpc_server_msg_received_total", "Messages received from clients", labels);
  metrics.sent_ =
      &families.Counter("grpc_server_msg_sent_total", "Messages sent to clients", labels);
  metrics.seconds_ = &families.Latency("grpc_server_handling_seconds",
                                       "Time from a call's arrival to its response", labels);
  static_assert(std::size(kCodeNames) == MethodMetrics::kCodes);
  for (std::size_t code = 0; code < MethodMetrics::kCodes; ++code) {
    prometheus::Labels with_code = labels;
    with_code["grpc_code"] = kCodeNames[code];
    metrics.handled_.at(code) = &families.Counter(
        "grpc_server_handled_total", "Calls finished on the server, by code", with_code);
  }
  return metrics;
}

ModelMetrics& Metrics::AddModel(const std::string& name, const ModelInfo& info, int lanes) {
  Families families(registry_);
  const prometheus::Labels labels = {{"model", name}};
  auto metrics = std::make_unique<ModelMetrics>();
  metrics->queue_seconds_ = &families.Latency(
      "synth_queue_seconds",
      "Time that a text waited for a free lane, from its arrival, less tokenization", labels);
  metrics->tokenize_seconds_ =
      &families.Latency("synth_tokenize_seconds", "Time that tokenizing a text took", labels);
  metrics->compute_seconds_ =
      &families.Latency("synth_compute_seconds", "Time that computing a batch took", labels);
  metrics->batch_texts_ =
      &families.Sizes("synth_batch_texts", "Texts and windows in a batch", labels, kTexts);
  metrics->batch_tokens_ =
      &families.Sizes("synth_batch_tokens", "Tokens in a batch", labels, kTokens);
  metrics->texts_ = &families.Counter("synth_texts_total", "Texts computed", labels);
  metrics->tokens_ = &families.Counter("synth_tokens_total", "Tokens computed", labels);
  metrics->failed_ = &families.Counter(
      "synth_failed_texts_total",
      "Texts that failed alone: empty, not UTF-8, too long, or without tokens", labels);
  metrics->truncated_ =
      &families.Counter("synth_truncated_total", "Texts whose end was cut off", labels);
  for (std::size_t reason = 0; reason < metrics->refused_.size(); ++reason) {
    metrics->refused_.at(reason) = &families.Counter(
        "synth_rejected_total", "Calls refused with RESOURCE_EXHAUSTED before anything was queued",
        {{"model", name}, {"reason", kRefusalNames[reason]}});
  }
  for (std::size_t reason = 0; reason < metrics->dropped_.size(); ++reason) {
    metrics->dropped_.at(reason) =
        &families.Counter("synth_dropped_total",
                          "Texts dropped from the queue because nobody waited for them any more",
                          {{"model", name}, {"reason", kDropNames[reason]}});
  }
  metrics->queue_texts_ =
      &families.Gauge("synth_queue_texts", "Texts and windows waiting for a lane", labels);
  metrics->queue_tokens_ =
      &families.Gauge("synth_queue_tokens", "Tokens waiting for a lane", labels);
  metrics->lanes_busy_ = &families.Gauge("synth_lanes_busy", "Lanes computing a batch", labels);
  families.Gauge("synth_lanes", "Lanes of the model", labels).Set(lanes);
  families
      .Gauge("synth_model_info", "Always 1; what is loaded is in the labels",
             {{"model", name},
              {"digest", info.digest},
              {"precision", std::string(ToString(info.precision))},
              {"instruction_set", info.instruction_set}})
      .Set(1);
  auto memory = [&](const char* part) -> prometheus::Gauge& {
    return families.Gauge("synth_model_bytes",
                          "Memory of the model's weights, and of the attention computed so far",
                          {{"model", name}, {"part", part}});
  };
  memory("weights").Set(static_cast<double>(info.weight_bytes));
  metrics->attention_bytes_ = &memory("attention");
  return *models_.insert_or_assign(name, std::move(metrics)).first->second;
}

void Metrics::SetCalls(std::int64_t streams, std::int64_t unflushed_bytes) const {
  streams_->Set(static_cast<double>(streams));
  unflushed_bytes_->Set(static_cast<double>(unflushed_bytes));
}

void Metrics::SetGrpcCalls(std::int64_t started) const {
  // A counter takes what was added; Increment ignores less than nothing.
  grpc_calls_started_->Increment(static_cast<double>(started) - grpc_calls_started_->Value());
}

void Metrics::SetCpus(int affinity, double quota) {
  Families families(registry_);
  families.Gauge("synth_cpus", "CPUs in the affinity mask of the process", {}).Set(affinity);
  families.Gauge("synth_cpu_quota", "CPUs of the cgroup's quota; 0: none", {}).Set(quota);
}

std::string Metrics::Scrape() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  std::vector<prometheus::MetricFamily> process = process_.Collect();
  families.insert(families.end(), std::make_move_iterator(process.begin()),
                  std::make_move_iterator(process.end()));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace synth::server
