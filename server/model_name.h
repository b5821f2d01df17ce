#ifndef SYNTH_SERVER_MODEL_NAME_H_
#define SYNTH_SERVER_MODEL_NAME_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace synth::server {

// Messages list the names of models, and each of them is a label of every metric.
inline constexpr std::size_t kMaxModelNameBytes = 128;

// OK if `name` can be the name of a model: 1 to 128 bytes of UTF-8 that people can tell apart when
// they read it. It has no control characters, no line ends, nothing that is invisible or turns the
// direction of writing (U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF), and no blank
// at either end. Otherwise INVALID_ARGUMENT; the message is printable.
//
// Protobuf sends no other names, and Prometheus reads none: one wrong name would spoil every
// answer and every scrape.
absl::Status CheckModelName(std::string_view name);

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODEL_NAME_H_
