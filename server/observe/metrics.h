#ifndef SYNTH_SERVER_OBSERVE_METRICS_H_
#define SYNTH_SERVER_OBSERVE_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/observe/process_metrics.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/scheduler.h"
#include "synth/model.h"

namespace synth::server {

// Every metric name, help text and bucket of the server stands in metrics.cc. All series exist, at
// zero, from the start, so that rates are right from the first request on.

// The counters of one RPC method, as go-grpc-prometheus names them.
class MethodMetrics {
 public:
  const std::string& method() const { return method_; }
  void OnStarted() const;
  void OnHandled(absl::StatusCode code, Duration time) const;
  // Requests and responses that were read and written whole.
  void OnMessageReceived() const { received_->Increment(); }
  void OnMessageSent() const { sent_->Increment(); }

 private:
  friend class Metrics;
  static constexpr int kCodes = static_cast<int>(absl::StatusCode::kUnauthenticated) + 1;
  std::string method_;
  prometheus::Counter* started_ = nullptr;
  prometheus::Counter* received_ = nullptr;
  prometheus::Counter* sent_ = nullptr;
  std::array<prometheus::Counter*, kCodes> handled_{};
  prometheus::Histogram* seconds_ = nullptr;
};

// The connections of the gRPC port.
class ConnectionMetrics {
 public:
  enum class Refusal { kTotal, kAddress };
  void OnRefused(Refusal reason) const {
    refused_.at(static_cast<std::size_t>(reason))->Increment();
  }
  enum class Abuse { kStreams, kBytes };
  void OnClosed(Abuse reason) const { closed_.at(static_cast<std::size_t>(reason))->Increment(); }
  // Accepting was held up because descriptors or memory had run out.
  void OnAcceptPaused() const { pauses_->Increment(); }
  // A connection waits because its address had one that was closed.
  void OnDelayed() const { delayed_->Increment(); }
  // Brought up to date before a scrape.
  void SetOpen(int count) const { open_->Set(count); }

 private:
  friend class Metrics;
  std::array<prometheus::Counter*, 2> refused_{};  // by Refusal
  std::array<prometheus::Counter*, 2> closed_{};   // by Abuse
  prometheus::Counter* pauses_ = nullptr;
  prometheus::Counter* delayed_ = nullptr;
  prometheus::Gauge* open_ = nullptr;
};

// The series of one model.
class ModelMetrics final : public scheduling::Observer {
 public:
  void OnRefused(scheduling::RefusalReason reason) override;
  void OnDropped(scheduling::DropReason reason) override;
  void OnTokenized(const scheduling::Job& job) override;
  void OnBatchStarted(std::span<scheduling::Job* const> batch, int tokens) override;
  void OnBatchDone(std::span<scheduling::Job* const> batch, int tokens,
                   Duration compute_time) override;

  // The gauges of the queue and the lanes, brought up to date before a scrape.
  void SetLoad(const scheduling::Scheduler::Load& load) const;
  // What Model::attention_bytes gives; brought up to date before a scrape, too.
  void SetAttentionBytes(std::size_t bytes) const;
  // Texts that failed before they became jobs, or after they were computed.
  void OnInvalidTexts(std::int64_t count) { failed_->Increment(static_cast<double>(count)); }

 private:
  friend class Metrics;
  prometheus::Histogram* queue_seconds_ = nullptr;
  prometheus::Histogram* tokenize_seconds_ = nullptr;
  prometheus::Histogram* compute_seconds_ = nullptr;
  prometheus::Histogram* batch_texts_ = nullptr;
  prometheus::Histogram* batch_tokens_ = nullptr;
  prometheus::Counter* texts_ = nullptr;
  prometheus::Counter* tokens_ = nullptr;
  prometheus::Counter* failed_ = nullptr;
  prometheus::Counter* truncated_ = nullptr;
  std::array<prometheus::Counter*, 3> refused_{};  // by RefusalReason
  std::array<prometheus::Counter*, 2> dropped_{};  // by DropReason
  prometheus::Gauge* queue_texts_ = nullptr;
  prometheus::Gauge* queue_tokens_ = nullptr;
  prometheus::Gauge* lanes_busy_ = nullptr;
  prometheus::Gauge* attention_bytes_ = nullptr;
};

// All metrics of the server. Thread-safe; handles live as long as it does.
class Metrics {
 public:
  Metrics();

  // The series of one RPC method, e.g. of "synth.v1.Inference", "Encode". `type` is one of unary,
  // client_stream, server_stream and bidi_stream. Once for each method, at the start.
  const MethodMetrics& AddMethod(const std::string& service, const std::string& method,
                                 const std::string& type);

  // The series of a model that has been loaded.
  ModelMetrics& AddModel(const std::string& name, const ModelInfo& info, int lanes);

  const ConnectionMetrics& connections() const { return connections_; }

  void SetCpus(int affinity, double quota);

  // Calls in flight, and bytes of responses that clients have not taken yet; brought up to date
  // before a scrape.
  void SetCalls(std::int64_t streams, std::int64_t unflushed_bytes) const;
  // What gRPC itself has counted since the start; brought up to date before a scrape.
  void SetGrpcCalls(std::int64_t started) const;

  // The Prometheus text format.
  std::string Scrape() const;

  // Content-Type of what Scrape gives.
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  void AddConnections();

  prometheus::Registry registry_;
  ProcessCollector process_;
  std::deque<MethodMetrics> methods_;
  prometheus::Gauge* streams_ = nullptr;
  prometheus::Gauge* unflushed_bytes_ = nullptr;
  prometheus::Counter* grpc_calls_started_ = nullptr;
  ConnectionMetrics connections_;
  std::map<std::string, std::unique_ptr<ModelMetrics>> models_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_OBSERVE_METRICS_H_
