#include "server/rpc/v1/embedding_bytes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "synth/half.h"

namespace synth::server {
namespace {

constexpr float kLargestInt8 = 127;

template <typename Unsigned>
void Append(Unsigned value, std::string& bytes) {
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i))));
  }
}

void WriteInt8(std::span<const float> vector, v1::EncodeResult& result) {
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::abs(value));
  const float scale = largest / kLargestInt8;
  std::string& bytes = *result.mutable_embedding_bytes();
  for (const float value : vector) {
    // A scale that is too small for a float has lost the vector.
    const float steps = scale == 0 ? 0 : std::nearbyint(value / scale);
    bytes.push_back(static_cast<char>(
        static_cast<std::int8_t>(std::clamp(steps, -kLargestInt8, kLargestInt8))));
  }
  result.set_embedding_scale(scale);
}

}  // namespace

void WriteEmbedding(v1::EmbeddingFormat format, std::span<const float> vector,
                    v1::EncodeResult& result) {
  switch (format) {
    case v1::EMBEDDING_FORMAT_F32:
      result.mutable_embedding_bytes()->reserve(4 * vector.size());
      for (const float value : vector) {
        Append(std::bit_cast<std::uint32_t>(value), *result.mutable_embedding_bytes());
      }
      return;
    case v1::EMBEDDING_FORMAT_F16:
      result.mutable_embedding_bytes()->reserve(2 * vector.size());
      for (const float value : vector) {
        Append(FloatToHalf(value), *result.mutable_embedding_bytes());
      }
      return;
    case v1::EMBEDDING_FORMAT_INT8:
      return WriteInt8(vector, result);
    default:  // unspecified: EncodeMethod::MakeOptions has refused what is unknown
      result.mutable_embedding()->Add(vector.begin(), vector.end());
  }
}

}  // namespace synth::server
