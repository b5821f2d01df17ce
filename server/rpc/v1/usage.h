#ifndef SYNTH_SERVER_RPC_V1_USAGE_H_
#define SYNTH_SERVER_RPC_V1_USAGE_H_

#include <cstdint>

#include "server/serving/text_batch.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

inline void FillUsage(const TextResult& text, v1::TextUsage& usage) {
  usage.set_tokens(static_cast<std::uint32_t>(text.tokens));
  usage.set_original_tokens(static_cast<std::uint32_t>(text.original_tokens));
  usage.set_truncated(text.original_tokens > text.tokens);
  usage.set_windows(static_cast<std::uint32_t>(text.windows));
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_USAGE_H_
