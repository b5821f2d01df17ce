#ifndef SYNTH_SERVER_RPC_CALL_SERVICES_H_
#define SYNTH_SERVER_RPC_CALL_SERVICES_H_

#include <atomic>
#include <cstdint>

#include "server/base/defaults.h"
#include "server/models/repository.h"
#include "server/rpc/call_gate.h"
#include "server/rpc/pending_responses.h"
#include "server/rpc/refusal_log.h"

namespace synth::server {

// What every call needs and none owns. Outlives all calls.
struct CallServices {
  struct Limits {
    int max_texts = defaults::kMaxTexts;
    std::int64_t max_text_bytes = defaults::kMaxTextBytes;
    int max_message_bytes = defaults::kMaxMessageBytes;

    // Token ids in the answer to one Tokenize call, and labels in one to Classify: each takes about
    // 8 bytes and more on the wire, and 60 in memory.
    std::int64_t max_entries() const { return max_message_bytes / 16; }
  };

  const Repository& repository;
  RefusalLog& refusals;
  CallGate& gate;
  PendingResponses& pending;
  std::atomic<std::int64_t>& streams;  // calls from their arrival until gRPC is done with them
  Limits limits;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CALL_SERVICES_H_
