#ifndef SYNTH_SERVER_RPC_V1_WIRE_H_
#define SYNTH_SERVER_RPC_V1_WIRE_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace synth::server {

// The fields of a request that hold texts.
enum class TextField { kTexts, kTextPairs };

// A text of a request that is not UTF-8, with the offset of its first wrong byte.
struct BadText {
  TextField field = TextField::kTexts;
  std::size_t index = 0;
  std::size_t offset = 0;
};

// The top-level fields of a request, counted from its bytes alone. If the bytes are malformed, the
// count stops there.
struct FieldCounts {
  std::int64_t texts = 0;
  std::int64_t text_pairs = 0;
  std::int64_t others = 0;
};
FieldCounts CountFields(const grpc::ByteBuffer& bytes);
FieldCounts CountFields(std::string_view bytes);

// Reads a request from the wire. Protobuf refuses a whole message for one string that is not UTF-8;
// here such an entry of `texts` or `text_pairs` is read as an empty one and reported in
// `bad_texts`, so that it fails alone. INVALID_ARGUMENT if the bytes are not this message.
absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message& request,
                          std::vector<BadText>& bad_texts);
absl::Status ParseRequest(std::string_view bytes, google::protobuf::Message& request,
                          std::vector<BadText>& bad_texts);

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_WIRE_H_
