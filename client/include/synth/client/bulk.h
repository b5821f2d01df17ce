// Many texts over one client: cut into requests, several in flight, results back in order.
//
//   std::vector<BulkResult<synth::v1::EncodeResult>> results;
//   absl::Status status = EncodeBulk(client, /*settings=*/{}, {"one", "two"}, {}, results);
#ifndef SYNTH_CLIENT_BULK_H_
#define SYNTH_CLIENT_BULK_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "synth/client/client.h"
#include "synth/v1/inference.pb.h"

namespace synth::client {

struct BulkOptions {
  std::size_t texts_per_request = 64;  // >= 1, and not above the server's Limits.max_texts
  std::size_t bytes_per_request =
      1U << 20U;                  // a request is also closed at so many bytes of text; >= 1
  std::size_t max_in_flight = 4;  // requests; >= 1
  CallOptions call;               // of each call
  // A request that the server is too busy for (RESOURCE_EXHAUSTED, with a retry hint) is sent again
  // when the hint says, as often as it takes until its pauses add up to this; 0: never. It counts
  // as in flight meanwhile. The client should leave that to this (RetryPolicy::when_busy false):
  // what gRPC itself waits counts against the call's deadline.
  std::chrono::milliseconds patience{60'000};
};

// One text on its way in.
struct BulkText {
  std::string text;
  std::string tag;      // the caller's own, handed back with the result
  absl::Status status;  // not OK: the text is not sent, and its result has this status
  // The second text of a pair: for ClassifyBulk alone, in all of its texts or in none.
  std::optional<std::string> pair{};
};

// One text's outcome. A text that is not UTF-8 fails alone, with INVALID_ARGUMENT, without being
// sent.
template <typename Result>
struct BulkResult {
  std::size_t index = 0;  // among all texts, from 0
  std::string text;
  std::string tag;
  absl::Status status;          // OK: `result` holds
  bool request_failed = false;  // the status is that of the whole request, not of this text
  Result result;
};

// Gives the next text; nothing at the end. It may block: texts before it are sent and delivered,
// except for those that wait for their request to fill up. Runs on a thread of its own, never twice
// at once.
using BulkSource = std::function<std::optional<BulkText>()>;

// Takes the results in the order of the texts, on the thread that called; false stops the run. May
// block, which holds the run back.
template <typename Result>
using BulkSink = std::function<bool(BulkResult<Result>)>;

// Runs until the source is dry and the last result is delivered. `settings` is the request of every
// call but for its texts, which must be empty. At most 4 * max_in_flight requests are held in
// memory. Neither source nor sink may throw. A failed request fails its texts, and the run goes on.
// Returns OK; CANCELLED if the sink stopped the run (a source that blocks is waited for);
// INVALID_ARGUMENT for an option outside its range.
absl::Status EncodeBulk(Client& client, const v1::EncodeRequest& settings, const BulkSource& source,
                        const BulkSink<v1::EncodeResult>& sink, const BulkOptions& options);
absl::Status ClassifyBulk(Client& client, const v1::ClassifyRequest& settings,
                          const BulkSource& source, const BulkSink<v1::ClassifyResult>& sink,
                          const BulkOptions& options);
// `settings` has the query, and no top_k. The results come in the order of the texts, not by score.
absl::Status RerankBulk(Client& client, const v1::RerankRequest& settings, const BulkSource& source,
                        const BulkSink<v1::RerankResult>& sink, const BulkOptions& options);
absl::Status TokenizeBulk(Client& client, const v1::TokenizeRequest& settings,
                          const BulkSource& source, const BulkSink<v1::TokenizeResult>& sink,
                          const BulkOptions& options);

// The same for texts that are in memory. Results are appended, one per text.
absl::Status EncodeBulk(Client& client, const v1::EncodeRequest& settings,
                        const std::vector<std::string>& texts, const BulkOptions& options,
                        std::vector<BulkResult<v1::EncodeResult>>& results);
absl::Status ClassifyBulk(Client& client, const v1::ClassifyRequest& settings,
                          const std::vector<std::string>& texts, const BulkOptions& options,
                          std::vector<BulkResult<v1::ClassifyResult>>& results);

}  // namespace synth::client

#endif  // SYNTH_CLIENT_BULK_H_
