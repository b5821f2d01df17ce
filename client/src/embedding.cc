#include "synth/client/embedding.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "synth/half.h"

namespace synth::client {
namespace {

std::size_t BytesOfValue(v1::EmbeddingFormat format) {
  switch (format) {
    case v1::EMBEDDING_FORMAT_F32:
      return 4;
    case v1::EMBEDDING_FORMAT_F16:
      return 2;
    default:
      return 1;
  }
}

std::uint32_t LittleEndian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

float ToFloat(std::string_view bytes, v1::EmbeddingFormat format, float scale) {
  const std::uint32_t bits = LittleEndian(bytes);
  switch (format) {
    case v1::EMBEDDING_FORMAT_F32:
      return std::bit_cast<float>(bits);
    case v1::EMBEDDING_FORMAT_F16:
      return HalfToFloat(static_cast<std::uint16_t>(bits));
    default:
      return static_cast<float>(static_cast<std::int8_t>(bits)) * scale;
  }
}

}  // namespace

absl::StatusOr<std::vector<float>> Embedding(const v1::EncodeResult& result,
                                             v1::EmbeddingFormat format) {
  if (!v1::EmbeddingFormat_IsValid(format)) {
    return absl::InvalidArgumentError(
        absl::StrCat("embedding_format: the value ", static_cast<int>(format), " is not known"));
  }
  if (format == v1::EMBEDDING_FORMAT_UNSPECIFIED || format == v1::EMBEDDING_FORMAT_FLOATS) {
    return std::vector<float>(result.embedding().begin(), result.embedding().end());
  }
  const std::string& bytes = result.embedding_bytes();
  const std::size_t size = BytesOfValue(format);
  if (bytes.empty() || bytes.size() % size != 0) {
    return absl::InvalidArgumentError(absl::StrCat("embedding_bytes: expected values of ", size,
                                                   " bytes, found ", bytes.size(), " bytes"));
  }
  std::vector<float> vector(bytes.size() / size);
  for (std::size_t i = 0; i < vector.size(); ++i) {
    vector[i] =
        ToFloat(std::string_view(bytes).substr(i * size, size), format, result.embedding_scale());
  }
  return vector;
}

}  // namespace synth::client
