// Vectors as bytes, there and back: what the server writes is what the client library reads.
#include "server/rpc/v1/embedding_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "synth/client/embedding.h"

namespace synth::server {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<float> kVector = {0.5F, -1.0F, 0.1F, 0.0F};

v1::EncodeResult Written(v1::EmbeddingFormat format, const std::vector<float>& vector = kVector) {
  v1::EncodeResult result;
  WriteEmbedding(format, vector, result);
  return result;
}

std::vector<float> ThereAndBack(v1::EmbeddingFormat format,
                                const std::vector<float>& vector = kVector) {
  const auto back = client::Embedding(Written(format, vector), format);
  EXPECT_TRUE(back.ok()) << back.status();
  return back.ok() ? *back : std::vector<float>();
}

TEST(EmbeddingBytesTest, FloatsComeAsFloats) {
  for (const auto format : {v1::EMBEDDING_FORMAT_UNSPECIFIED, v1::EMBEDDING_FORMAT_FLOATS}) {
    EXPECT_EQ(ThereAndBack(format), kVector);
    EXPECT_THAT(Written(format).embedding_bytes(), IsEmpty());
  }
}

TEST(EmbeddingBytesTest, BytesAreLittleEndianAndWithoutPadding) {
  EXPECT_EQ(Written(v1::EMBEDDING_FORMAT_F32, {1.5F, -2.0F}).embedding_bytes(),
            std::string("\x00\x00\xC0\x3F\x00\x00\x00\xC0", 8));
  EXPECT_EQ(Written(v1::EMBEDDING_FORMAT_F16, {1.5F, -2.0F}).embedding_bytes(),
            std::string("\x00\x3E\x00\xC0", 4));
  const v1::EncodeResult int8 = Written(v1::EMBEDDING_FORMAT_INT8, {1.27F, -0.02F, 0});
  EXPECT_EQ(int8.embedding_bytes(), std::string("\x7F\xFE\x00", 3));
  EXPECT_FLOAT_EQ(int8.embedding_scale(), 0.01F);
  EXPECT_THAT(int8.embedding(), IsEmpty());
}

TEST(EmbeddingBytesTest, ThereAndBackTheyDifferByTheirRounding) {
  EXPECT_EQ(ThereAndBack(v1::EMBEDDING_FORMAT_F32), kVector);
  EXPECT_THAT(ThereAndBack(v1::EMBEDDING_FORMAT_F16), ElementsAre(0.5F, -1.0F, 0.099975586F, 0.0F));
  EXPECT_THAT(ThereAndBack(v1::EMBEDDING_FORMAT_INT8),
              ElementsAre(FloatEq(64.0F / 127), FloatEq(-1.0F), FloatEq(13.0F / 127), 0.0F));
}

TEST(EmbeddingBytesTest, AVectorOfZerosStaysOne) {
  const std::vector<float> zeros(3);
  for (const auto format :
       {v1::EMBEDDING_FORMAT_F32, v1::EMBEDDING_FORMAT_F16, v1::EMBEDDING_FORMAT_INT8}) {
    EXPECT_EQ(ThereAndBack(format, zeros), zeros);
    // So small that its scale is no float: nothing to divide by.
    EXPECT_EQ(ThereAndBack(format, {1e-45F}).size(), 1U);
  }
}

TEST(EmbeddingBytesTest, TheClientRefusesBytesThatAreNoValues) {
  v1::EncodeResult result;
  EXPECT_THAT(std::string(client::Embedding(result, v1::EMBEDDING_FORMAT_F32).status().message()),
              HasSubstr("expected values of 4 bytes, found 0 bytes"));
  result.set_embedding_bytes("abc");
  EXPECT_FALSE(client::Embedding(result, v1::EMBEDDING_FORMAT_F16).ok());
  EXPECT_TRUE(client::Embedding(result, v1::EMBEDDING_FORMAT_INT8).ok());
  EXPECT_FALSE(client::Embedding(result, static_cast<v1::EmbeddingFormat>(9)).ok());
}

}  // namespace
}  // namespace synth::server
