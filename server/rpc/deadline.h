#ifndef SYNTH_SERVER_RPC_DEADLINE_H_
#define SYNTH_SERVER_RPC_DEADLINE_H_

#include <grpc/support/time.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <cstdint>

#include "server/base/clock.h"

namespace synth::server {

// The call's deadline on our clock. A deadline more than a year away counts as none, because it may
// be further away than a clock of nanoseconds can count.
inline TimePoint SteadyDeadline(const grpc::CallbackServerContext& context) {
  constexpr std::int64_t kYear = 366LL * 24 * 60 * 60;
  const gpr_timespec left =
      gpr_time_sub(gpr_convert_clock_type(context.raw_deadline(), GPR_CLOCK_REALTIME),
                   gpr_now(GPR_CLOCK_REALTIME));
  if (left.tv_sec > kYear) return TimePoint::max();
  return Clock::now() + std::chrono::seconds(std::max<std::int64_t>(left.tv_sec, -kYear)) +
         std::chrono::nanoseconds(left.tv_nsec);
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_DEADLINE_H_
