#ifndef SYNTH_SERVER_RPC_V1_EMBEDDING_BYTES_H_
#define SYNTH_SERVER_RPC_V1_EMBEDDING_BYTES_H_

#include <span>

#include "synth/v1/inference.pb.h"

namespace synth::server {

// Writes a vector, whose values are finite, as EncodeRequest.embedding_format wants it.
void WriteEmbedding(v1::EmbeddingFormat format, std::span<const float> vector,
                    v1::EncodeResult& result);

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_EMBEDDING_BYTES_H_
