#ifndef SYNTH_SERVER_RPC_PENDING_RESPONSES_H_
#define SYNTH_SERVER_RPC_PENDING_RESPONSES_H_

#include <grpcpp/server_context.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <thread>

#include "server/base/clock.h"
#include "server/base/defaults.h"
#include "server/base/mutex.h"

namespace synth::server {

// The responses that gRPC holds because their clients have not read them yet. A client that opens
// no flow-control window would keep them there for ever. Each therefore has a time limit, and all
// of them together have a limit in bytes. Thread-safe.
class PendingResponses {
 public:
  struct Options {
    Duration max_age = defaults::kResponseTimeout;  // then the call is cancelled
    // Of all responses; more are not accepted.
    std::int64_t max_bytes = defaults::kMaxUnflushedBytes;
  };

  // One response on its way. Not thread-safe; belongs to its call.
  class Entry {
   public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    friend class PendingResponses;
    grpc::ServerContextBase* context_ = nullptr;
    std::size_t bytes_ = 0;
    TimePoint expires_;
    bool is_cancelling_ = false;
    bool is_listed_ = false;
    std::list<Entry*>::iterator place_;
  };

  explicit PendingResponses(const Options& options);
  // All entries must have been removed.
  ~PendingResponses();
  PendingResponses(const PendingResponses&) = delete;
  PendingResponses& operator=(const PendingResponses&) = delete;

  // False if `bytes` more would exceed the limit; the response must not be sent then. A response
  // that is too large by itself is accepted if it is the only one.
  bool Add(Entry& entry, std::size_t bytes, grpc::ServerContextBase& context);
  // gRPC is done with the response. Nothing uses the context afterwards. Does nothing if the entry
  // was not added.
  void Remove(Entry& entry);

  std::int64_t bytes() const;
  // False if some response has not been read by `deadline`.
  bool WaitUntilEmpty(TimePoint deadline);

 private:
  void CancelExpired();

  const Options options_;
  mutable Mutex mutex_;
  std::condition_variable stopped_;  // the end
  std::condition_variable changed_;  // the last entry is gone, or one was cancelled
  std::list<Entry*> entries_ SYNTH_GUARDED_BY(mutex_);  // in the order of expires_
  std::int64_t bytes_ SYNTH_GUARDED_BY(mutex_) = 0;
  bool is_stopping_ SYNTH_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_PENDING_RESPONSES_H_
