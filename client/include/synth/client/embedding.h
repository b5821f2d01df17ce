// Vectors, whichever EmbeddingFormat they came in.
#ifndef SYNTH_CLIENT_EMBEDDING_H_
#define SYNTH_CLIENT_EMBEDDING_H_

#include <vector>

#include "absl/status/statusor.h"
#include "synth/v1/inference.pb.h"

namespace synth::client {

// The vector [dimensions] of a text that did not fail, from a response to a request with `format`:
//
//   request.set_embedding_format(v1::EMBEDDING_FORMAT_INT8);  // a quarter of the bytes
//   const auto response = client->Encode(request);
//   const auto vector = synth::client::Embedding(response->results(0), request.embedding_format());
//
// INVALID_ARGUMENT if the bytes are not whole values, or if there are none: a server that does not
// know the format sends floats.
absl::StatusOr<std::vector<float>> Embedding(const v1::EncodeResult& result,
                                             v1::EmbeddingFormat format);

}  // namespace synth::client

#endif  // SYNTH_CLIENT_EMBEDDING_H_
