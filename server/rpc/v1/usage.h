#ifndef SYNTH_SERVER_RPC_V1_USAGE_H_
#define SYNTH_SERVER_RPC_V1_USAGE_H_

#include <cstdint>

#include "server/scheduling/job.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

inline void FillUsage(const scheduling::Job& job, v1::TextUsage& usage) {
  usage.set_tokens(static_cast<std::uint32_t>(job.tokens));
  usage.set_original_tokens(static_cast<std::uint32_t>(job.original_tokens));
  usage.set_truncated(job.original_tokens > job.tokens);
  usage.set_windows(job.windows.empty() ? 1 : static_cast<std::uint32_t>(job.windows.size()));
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_USAGE_H_
