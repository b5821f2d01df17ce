#ifndef SYNTH_CLIENT_SRC_SERVICE_CONFIG_H_
#define SYNTH_CLIENT_SRC_SERVICE_CONFIG_H_

#include <string>

#include "synth/client/client.h"

namespace synth::client {

// The gRPC service config, as JSON: round-robin load balancing, and `retry` for synth.v1.Inference.
std::string ServiceConfigJson(const RetryPolicy& retry);

}  // namespace synth::client

#endif  // SYNTH_CLIENT_SRC_SERVICE_CONFIG_H_
