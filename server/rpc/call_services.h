#ifndef SYNTH_SERVER_RPC_CALL_SERVICES_H_
#define SYNTH_SERVER_RPC_CALL_SERVICES_H_

#include <cstdint>

#include "server/models/repository.h"
#include "server/rpc/call_gate.h"
#include "server/rpc/refusal_log.h"

namespace synth::server {

// What every call needs and none owns. Outlives all calls.
struct CallServices {
  struct Limits {
    int max_texts = 1024;
    std::int64_t max_text_bytes = 262'144;
    int max_message_bytes = 4 * 1024 * 1024;

    // Tokens in the answer to one Tokenize call: it takes about 8 bytes a token on the wire, and 60
    // in memory.
    std::int64_t max_tokenized() const { return max_message_bytes / 16; }
  };

  const Repository& repository;
  RefusalLog& refusals;
  CallGate& gate;
  Limits limits;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CALL_SERVICES_H_
