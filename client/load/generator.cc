#include "client/load/generator.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/utf8.h"
#include "server/base/mutex.h"

namespace synth::load {
namespace {

using std::chrono::nanoseconds;
using SteadyClock = std::chrono::steady_clock;

// Requests are built before the run; more texts than these requests hold are not used.
constexpr std::size_t kMaxRequests = 4096;
// Time between the construction of a run and its first request.
constexpr nanoseconds kLead = std::chrono::milliseconds(20);

absl::Status Validate(const LoadOptions& options, const std::vector<std::string>& texts) {
  if (texts.empty()) return absl::InvalidArgumentError("no texts");
  if (options.rate.has_value() && !(*options.rate > 0)) {
    return absl::InvalidArgumentError("rate: must be positive");
  }
  if (options.concurrency == 0 || options.texts_per_request == 0 || options.channels == 0 ||
      options.max_outstanding == 0) {
    return absl::InvalidArgumentError(
        "concurrency, texts_per_request, channels and max_outstanding must be positive");
  }
  if (options.warmup < nanoseconds(0) || options.duration <= nanoseconds(0)) {
    return absl::InvalidArgumentError("warmup must not be negative, duration must be positive");
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (absl::Status status = client::CheckUtf8(texts[i]); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("text ", i + 1, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

// CPU time of this process so far, user and system, in seconds.
double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  constexpr double kMicro = 1e-6;
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         kMicro * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// The two methods under one name, for the template below.
void StartCall(client::Client& client, std::shared_ptr<const v1::EncodeRequest> request,
               client::Callback<v1::EncodeResponse> done) {
  client.EncodeAsync(std::move(request), {}, std::move(done));
}
void StartCall(client::Client& client, std::shared_ptr<const v1::ClassifyRequest> request,
               client::Callback<v1::ClassifyResponse> done) {
  client.ClassifyAsync(std::move(request), {}, std::move(done));
}

template <typename Response>
void ReadResponse(const Response& response, Sample& sample) {
  sample.texts = static_cast<uint64_t>(response.results_size());
  for (const auto& result : response.results()) {
    if (result.has_status()) ++sample.failed_texts;
    if (result.usage().truncated()) ++sample.truncated_texts;
  }
  sample.server_total = response.timings().total();
  sample.server_queue = response.timings().queue();
  sample.server_tokenize = response.timings().tokenize();
  sample.server_compute = response.timings().compute();
}

// One run. Open loop: a pacing thread sends. Closed loop: each answer sends the next request, on
// the thread of gRPC that brought it.
template <typename Request, typename Response>
class Run {
 public:
  Run(const LoadOptions& options, std::vector<std::unique_ptr<client::Client>> clients,
      const std::vector<std::string>& texts)
      : options_(options),
        end_(options.warmup + options.duration),
        requests_(BuildRequests(options, texts)),
        recorder_(options.warmup, end_, options.target),
        clients_(std::move(clients)),
        start_(SteadyClock::now() + kLead) {}

  void Execute(LoadReport& report) {
    std::thread sender([this] {
      if (options_.rate.has_value()) {
        SendWhenDue();
      } else {
        StartCallers();
      }
    });
    std::this_thread::sleep_until(start_ + options_.warmup);
    const double cpu_before = CpuSeconds();
    std::this_thread::sleep_until(start_ + end_);
    report.client_cpu_seconds = CpuSeconds() - cpu_before;
    sender.join();
    const MutexLock lock(mutex_);
    while (outstanding_ != 0) mutex_.Wait(none_outstanding_);
    report.measured = recorder_.Take();
  }

 private:
  static std::vector<std::shared_ptr<const Request>> BuildRequests(
      const LoadOptions& options, const std::vector<std::string>& texts) {
    const std::size_t per_request = options.texts_per_request;
    const std::size_t count =
        std::min((texts.size() + per_request - 1) / per_request, kMaxRequests);
    std::vector<std::shared_ptr<const Request>> requests;
    requests.reserve(count);
    std::size_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
      auto request = std::make_shared<Request>();
      request->set_model(options.model);
      for (std::size_t k = 0; k < per_request; ++k)
        request->add_texts(texts[next++ % texts.size()]);
      requests.push_back(std::move(request));
    }
    return requests;
  }

  nanoseconds Now() const { return SteadyClock::now() - start_; }

  void SendWhenDue() {
    // The kernel may round a sleep up by 50 us unless told otherwise (here: 1 ns, as little as it
    // can).
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    Pacer pacer(Arrivals(*options_.rate, options_.spacing, options_.seed), end_);
    while (const std::optional<nanoseconds> next = pacer.NextDue()) {
      std::this_thread::sleep_until(start_ + *next);
      while (const std::optional<nanoseconds> due = pacer.TakeDue(Now())) SendOrSkip(*due);
    }
  }

  void SendOrSkip(nanoseconds due) {
    if (Enter()) {
      Send(due);
    } else {
      recorder_.AddNotSent(due);
    }
  }

  void StartCallers() {
    std::this_thread::sleep_until(start_);
    for (std::size_t i = 0; i < options_.concurrency; ++i) {
      Enter();
      Send(Now());
    }
  }

  // Sends one request for which Enter() made room.
  void Send(nanoseconds due) {
    const uint64_t number = next_request_.fetch_add(1, std::memory_order_relaxed);
    const nanoseconds sent = Now();
    StartCall(*clients_[number % clients_.size()], requests_[number % requests_.size()],
              [this, due, sent](const absl::StatusOr<Response>& response) {
                Finish(due, sent, response);
              });
  }

  void Finish(nanoseconds due, nanoseconds sent, const absl::StatusOr<Response>& response) {
    Sample sample;
    sample.due = due;
    sample.sent = sent;
    sample.done = Now();
    sample.code = response.status().code();
    if (response.ok()) ReadResponse(*response, sample);
    recorder_.Add(sample);
    if (!options_.rate.has_value() && sample.done < end_) {
      Send(Now());  // in the place of the finished one
    } else {
      Leave();
    }
  }

  // Counts a request in; false if the open loop has too many under way.
  bool Enter() {
    const MutexLock lock(mutex_);
    if (options_.rate.has_value() && outstanding_ >= options_.max_outstanding) return false;
    ++outstanding_;
    return true;
  }

  void Leave() {
    const MutexLock lock(mutex_);
    if (--outstanding_ == 0) none_outstanding_.notify_all();
  }

  // Constant after construction.
  const LoadOptions& options_;
  const nanoseconds end_;
  const std::vector<std::shared_ptr<const Request>> requests_;

  Recorder recorder_;
  std::atomic<uint64_t> next_request_{0};
  Mutex mutex_;
  std::condition_variable none_outstanding_;
  std::size_t outstanding_ SYNTH_GUARDED_BY(mutex_) = 0;

  // Destroyed before what its callbacks use.
  const std::vector<std::unique_ptr<client::Client>> clients_;
  const SteadyClock::time_point start_;
};

}  // namespace

absl::StatusOr<LoadReport> RunLoad(const LoadOptions& options, const client::ClientOptions& client,
                                   const std::vector<std::string>& texts) {
  if (absl::Status status = Validate(options, texts); !status.ok()) return status;
  LoadReport report;
  std::vector<std::unique_ptr<client::Client>> clients;
  for (std::size_t i = 0; i < options.channels; ++i) {
    absl::StatusOr<std::unique_ptr<client::Client>> created = client::Client::Create(client);
    if (!created.ok()) return created.status();
    v1::GetModelRequest request;
    request.set_model(options.model);
    // Opens the connection too, so that the run does not measure that.
    absl::StatusOr<v1::GetModelResponse> model = (*created)->GetModel(request);
    if (!model.ok()) return model.status();
    report.model = model->model().name();
    report.digest = model->model().digest();
    clients.push_back(*std::move(created));
  }
  if (options.method == LoadOptions::Method::kEncode) {
    Run<v1::EncodeRequest, v1::EncodeResponse>(options, std::move(clients), texts).Execute(report);
  } else {
    Run<v1::ClassifyRequest, v1::ClassifyResponse>(options, std::move(clients), texts)
        .Execute(report);
  }
  return report;
}

}  // namespace synth::load
