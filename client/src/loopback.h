#ifndef SYNTH_CLIENT_SRC_LOOPBACK_H_
#define SYNTH_CLIENT_SRC_LOOPBACK_H_

#include <string_view>

namespace synth::client {

// Whether every address that the gRPC name `target` lists is this machine itself: localhost, an
// address of 127.0.0.0/8, ::1, or the wildcard address, which connects to this machine too. The
// name is read, not looked up: a host name whose address happens to be a loopback one gives false.
bool IsLoopback(std::string_view target);

}  // namespace synth::client

#endif  // SYNTH_CLIENT_SRC_LOOPBACK_H_
