#include "synth/client/bulk.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/src/utf8.h"
#include "server/base/mutex.h"
#include "synth/client/status.h"

namespace synth::client {
namespace {

// Finished requests that wait for an earlier one are held too, up to this multiple of
// max_in_flight.
constexpr std::size_t kWindowFactor = 4;

// The shortest pause before a refused request is sent again, whatever the server's hint: it doubles
// with each refusal up to the longest.
constexpr std::chrono::milliseconds kMinPause{10};
constexpr std::chrono::milliseconds kMaxPause{1000};

// The calls, under one name for the template below.
CallHandle StartCall(Client& client, std::shared_ptr<const v1::EncodeRequest> request,
                     const CallOptions& options, Callback<v1::EncodeResponse> done) {
  return client.EncodeAsync(std::move(request), options, std::move(done));
}
CallHandle StartCall(Client& client, std::shared_ptr<const v1::ClassifyRequest> request,
                     const CallOptions& options, Callback<v1::ClassifyResponse> done) {
  return client.ClassifyAsync(std::move(request), options, std::move(done));
}
CallHandle StartCall(Client& client, std::shared_ptr<const v1::TokenizeRequest> request,
                     const CallOptions& options, Callback<v1::TokenizeResponse> done) {
  return client.TokenizeAsync(std::move(request), options, std::move(done));
}

// Its results come by score, and a run needs them in the order of the texts.
CallHandle StartCall(Client& client, std::shared_ptr<const v1::RerankRequest> request,
                     const CallOptions& options, Callback<v1::RerankResponse> done) {
  return client.RerankAsync(std::move(request), options,
                            [done = std::move(done)](absl::StatusOr<v1::RerankResponse> response) {
                              if (response.ok()) {
                                std::ranges::sort(*response->mutable_results(), {},
                                                  &v1::RerankResult::index);
                              }
                              done(std::move(response));
                            });
}

// One run. A feeder thread fills chunks from the source and starts their calls; gRPC's threads mark
// them done; the calling thread delivers them from the front of the window, and sends again what
// the server was too busy for.
template <typename Request, typename Response, typename Result>
class BulkRun {
 public:
  BulkRun(Client& client, const Request& settings, const BulkSource& source,
          const BulkSink<Result>& sink, const BulkOptions& options)
      : client_(client), settings_(settings), source_(source), sink_(sink), options_(options) {}

  absl::Status Run() {
    if (absl::Status status = Validate(); !status.ok()) return status;
    std::thread feeder([this] { Feed(); });
    const bool finished = Deliver();
    if (!finished) Stop();
    feeder.join();
    const MutexLock lock(mutex_);
    while (in_flight_ != 0) mutex_.Wait(changed_);
    return finished ? absl::OkStatus() : absl::CancelledError("stopped by the receiver of results");
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Up to texts_per_request consecutive texts, and the request for those that can be sent.
  struct Chunk {
    std::vector<BulkResult<Result>> items;
    std::vector<std::size_t> sent;  // indices into `items`, in the order of the request's texts
    std::shared_ptr<Request> request;
    CallHandle call;           // guarded by mutex_; of the newest attempt
    std::size_t attempts = 0;  // guarded by mutex_
    bool done = false;         // guarded by mutex_; the items are then the calling thread's
    std::chrono::milliseconds patience{0};  // what is left of it
    std::chrono::milliseconds least_pause = kMinPause;
    Clock::time_point send_again;  // guarded by mutex_; where it waits in refused_
  };

  absl::Status Validate() const {
    if (settings_.texts_size() != 0) return absl::InvalidArgumentError("settings.texts: not empty");
    if (options_.texts_per_request == 0 || options_.bytes_per_request == 0 ||
        options_.max_in_flight == 0) {
      return absl::InvalidArgumentError(
          "texts_per_request, bytes_per_request and max_in_flight must be positive");
    }
    if (options_.patience < std::chrono::milliseconds(0) ||
        options_.patience > std::chrono::hours(24 * 365)) {
      return absl::InvalidArgumentError("patience: must be 0 to a year");
    }
    return absl::OkStatus();
  }

  void Feed() {
    bool more = true;
    while (more && WaitForRoom()) {
      auto chunk = std::make_shared<Chunk>();
      more = Fill(*chunk);
      if (!chunk->items.empty()) Launch(chunk);
    }
    const MutexLock lock(mutex_);
    fed_ = true;
    changed_.notify_all();
  }

  // Whether there is a place for another request; false once the run was stopped.
  bool WaitForRoom() {
    const MutexLock lock(mutex_);
    while (!stopped_ && (in_flight_ >= options_.max_in_flight ||
                         window_.size() >= kWindowFactor * options_.max_in_flight)) {
      mutex_.Wait(changed_);
    }
    return !stopped_;
  }

  // Takes texts from the source until the chunk is full; the one that does not fit is kept for the
  // next, so that a text too large for any request fails alone. False at the source's end.
  bool Fill(Chunk& chunk) {
    chunk.request = std::make_shared<Request>(settings_);
    chunk.patience = options_.patience;
    std::size_t bytes = 0;
    while (chunk.items.size() < options_.texts_per_request) {
      std::optional<BulkText> next = held_.has_value() ? std::exchange(held_, {}) : source_();
      if (!next.has_value()) return false;
      bytes += next->text.size() + (next->pair ? next->pair->size() : 0);
      if (bytes > options_.bytes_per_request && !chunk.items.empty()) {
        held_ = std::move(next);
        return true;
      }
      BulkResult<Result>& item = chunk.items.emplace_back();
      item.index = next_index_++;
      item.status = std::move(next->status);
      item.status.Update(CheckUtf8(next->text));
      if (next->pair) item.status.Update(CheckUtf8(*next->pair));
      item.text = std::move(next->text);
      item.tag = std::move(next->tag);
      if (!item.status.ok()) continue;
      chunk.sent.push_back(chunk.items.size() - 1);
      chunk.request->add_texts(item.text);
      if constexpr (requires { chunk.request->text_pairs(); }) {
        if (next->pair) chunk.request->add_text_pairs(*std::move(next->pair));
      }
    }
    return true;
  }

  void Launch(const std::shared_ptr<Chunk>& chunk) {
    {
      const MutexLock lock(mutex_);
      if (stopped_) return;
      window_.push_back(chunk);
      chunk->done = chunk->sent.empty();
      if (chunk->done) {
        changed_.notify_all();
        return;
      }
      ++in_flight_;
    }
    Send(chunk);
  }

  // Starts the call of a chunk that counts in in_flight_.
  void Send(const std::shared_ptr<Chunk>& chunk) {
    std::size_t attempt = 0;
    {
      const MutexLock lock(mutex_);
      attempt = ++chunk->attempts;
    }
    const CallHandle call =
        StartCall(client_, chunk->request, options_.call,
                  [this, chunk](absl::StatusOr<Response> response) { Finish(chunk, response); });
    const MutexLock lock(mutex_);
    // This call may have ended already, and the chunk have been sent again by another thread.
    if (chunk->attempts == attempt) chunk->call = call;
    if (stopped_) call.Cancel();
  }

  // Runs on a thread of gRPC. The last access to *this is under the lock: Run() may return after
  // it.
  void Finish(const std::shared_ptr<Chunk>& chunk, absl::StatusOr<Response>& response) {
    if (response.ok() || !Postpone(chunk, response.status())) Complete(*chunk, response);
  }

  // Puts a chunk aside that the server refused for now. False if that was not it, if its patience
  // is at an end, or the run.
  bool Postpone(const std::shared_ptr<Chunk>& chunk, const absl::Status& status) {
    // Without a hint RESOURCE_EXHAUSTED means what waiting does not cure, as a message too large.
    const std::optional<std::chrono::milliseconds> hint = RetryAfter(status);
    if (status.code() != absl::StatusCode::kResourceExhausted || !hint.has_value()) return false;
    if (chunk->patience <= std::chrono::milliseconds(0)) return false;
    // The pauses use up the patience; a sink that blocks does not.
    const auto pause = std::min(std::max(*hint, chunk->least_pause), chunk->patience);
    chunk->patience -= pause;
    chunk->least_pause = std::min(2 * chunk->least_pause, kMaxPause);
    const MutexLock lock(mutex_);
    if (stopped_) return false;
    chunk->send_again = Clock::now() + pause;
    refused_.push_back(chunk);
    changed_.notify_all();
    return true;
  }

  void Complete(Chunk& chunk, absl::StatusOr<Response>& response) {
    if (response.ok() && static_cast<std::size_t>(response->results_size()) != chunk.sent.size()) {
      response = absl::InternalError(absl::StrCat("the server sent ", response->results_size(),
                                                  " results for ", chunk.sent.size(), " texts"));
    }
    for (std::size_t i = 0; i < chunk.sent.size(); ++i) {
      BulkResult<Result>& item = chunk.items[chunk.sent[i]];
      if (!response.ok()) {
        item.status = response.status();
        item.request_failed = true;
        continue;
      }
      item.result = std::move(*response->mutable_results(static_cast<int>(i)));
      if (item.result.has_status()) item.status = ToAbslStatus(item.result.status());
    }
    const MutexLock lock(mutex_);
    chunk.done = true;
    --in_flight_;
    changed_.notify_all();
  }

  // Gives the sink all results in order. False if it stopped the run.
  bool Deliver() {
    while (true) {
      std::shared_ptr<Chunk> chunk;
      {
        const MutexLock lock(mutex_);
        while (!(window_.empty() ? fed_ : window_.front()->done)) WaitForChange();
        if (window_.empty()) return true;
        chunk = std::move(window_.front());
        window_.pop_front();
        changed_.notify_all();
      }
      for (BulkResult<Result>& item : chunk->items) {
        if (!sink_(std::move(item))) return false;
      }
    }
  }

  // Waits for any change, or until a refused chunk is to be sent again and then sends it.
  void WaitForChange() SYNTH_REQUIRES(mutex_) {
    const auto next = std::min_element(
        refused_.begin(), refused_.end(),
        [](const auto& a, const auto& b) { return a->send_again < b->send_again; });
    if (next == refused_.end()) {
      mutex_.Wait(changed_);
    } else if ((*next)->send_again > Clock::now()) {
      mutex_.WaitUntil(changed_, (*next)->send_again);
    } else {
      const std::shared_ptr<Chunk> chunk = std::move(*next);
      refused_.erase(next);
      mutex_.Unlock();
      Send(chunk);
      mutex_.Lock();
    }
  }

  void Stop() {
    const MutexLock lock(mutex_);
    stopped_ = true;
    in_flight_ -= refused_.size();
    refused_.clear();
    for (const std::shared_ptr<Chunk>& chunk : window_) chunk->call.Cancel();
    changed_.notify_all();
  }

  // Constant after construction.
  Client& client_;
  const Request& settings_;
  const BulkSource& source_;
  const BulkSink<Result>& sink_;
  const BulkOptions& options_;

  // The feeder's own: what the next item is numbered, and a text that the last request had no room
  // for.
  std::size_t next_index_ = 0;
  std::optional<BulkText> held_;

  Mutex mutex_;
  std::condition_variable changed_;  // any of the following
  // In the order of the texts, not yet delivered.
  std::deque<std::shared_ptr<Chunk>> window_ SYNTH_GUARDED_BY(mutex_);
  std::size_t in_flight_ SYNTH_GUARDED_BY(mutex_) = 0;  // those in refused_ included
  // For now, by the server.
  std::vector<std::shared_ptr<Chunk>> refused_ SYNTH_GUARDED_BY(mutex_);
  bool fed_ SYNTH_GUARDED_BY(mutex_) = false;      // the feeder has ended
  bool stopped_ SYNTH_GUARDED_BY(mutex_) = false;  // by the sink
};

BulkSource SourceOf(const std::vector<std::string>& texts) {
  return [&texts, next = std::size_t{0}]() mutable -> std::optional<BulkText> {
    if (next == texts.size()) return std::nullopt;
    return BulkText{texts[next++], "", absl::OkStatus()};
  };
}

template <typename Result>
BulkSink<Result> SinkInto(std::vector<BulkResult<Result>>& results) {
  return [&results](BulkResult<Result> result) {
    results.push_back(std::move(result));
    return true;
  };
}

}  // namespace

absl::Status EncodeBulk(Client& client, const v1::EncodeRequest& settings, const BulkSource& source,
                        const BulkSink<v1::EncodeResult>& sink, const BulkOptions& options) {
  return BulkRun<v1::EncodeRequest, v1::EncodeResponse, v1::EncodeResult>(client, settings, source,
                                                                          sink, options)
      .Run();
}

absl::Status ClassifyBulk(Client& client, const v1::ClassifyRequest& settings,
                          const BulkSource& source, const BulkSink<v1::ClassifyResult>& sink,
                          const BulkOptions& options) {
  return BulkRun<v1::ClassifyRequest, v1::ClassifyResponse, v1::ClassifyResult>(
             client, settings, source, sink, options)
      .Run();
}

absl::Status RerankBulk(Client& client, const v1::RerankRequest& settings, const BulkSource& source,
                        const BulkSink<v1::RerankResult>& sink, const BulkOptions& options) {
  if (settings.top_k() != 0) return absl::InvalidArgumentError("settings.top_k: not 0");
  return BulkRun<v1::RerankRequest, v1::RerankResponse, v1::RerankResult>(client, settings, source,
                                                                          sink, options)
      .Run();
}

absl::Status TokenizeBulk(Client& client, const v1::TokenizeRequest& settings,
                          const BulkSource& source, const BulkSink<v1::TokenizeResult>& sink,
                          const BulkOptions& options) {
  return BulkRun<v1::TokenizeRequest, v1::TokenizeResponse, v1::TokenizeResult>(
             client, settings, source, sink, options)
      .Run();
}

absl::Status EncodeBulk(Client& client, const v1::EncodeRequest& settings,
                        const std::vector<std::string>& texts, const BulkOptions& options,
                        std::vector<BulkResult<v1::EncodeResult>>& results) {
  return EncodeBulk(client, settings, SourceOf(texts), SinkInto(results), options);
}

absl::Status ClassifyBulk(Client& client, const v1::ClassifyRequest& settings,
                          const std::vector<std::string>& texts, const BulkOptions& options,
                          std::vector<BulkResult<v1::ClassifyResult>>& results) {
  return ClassifyBulk(client, settings, SourceOf(texts), SinkInto(results), options);
}

}  // namespace synth::client
