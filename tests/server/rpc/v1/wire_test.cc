#include "server/rpc/v1/wire.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/support/slice.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "synth/v1/inference.pb.h"

namespace synth::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

v1::EncodeRequest GoodRequest() {
  v1::EncodeRequest request;
  request.set_model("m");
  request.add_texts("first");
  request.add_texts("zweiter: ä€😀");
  request.set_pooling(v1::POOLING_MAX);
  request.set_normalize(true);
  return request;
}

class WireTest : public testing::Test {
 protected:
  WireTest() { google::protobuf::SetLogHandler(nullptr); }

  // Through a buffer of several slices, as the network cuts it.
  absl::Status Parse(const std::string& bytes, std::size_t slice_size = 7) {
    std::vector<grpc::Slice> slices;
    for (std::size_t i = 0; i < bytes.size(); i += slice_size)
      slices.emplace_back(bytes.substr(i, slice_size));
    return ParseRequest(grpc::ByteBuffer(slices.data(), slices.size()), request_, bad_texts_);
  }

  v1::EncodeRequest request_;
  std::vector<BadText> bad_texts_;
};

TEST_F(WireTest, ReadsWhatProtobufWrites) {
  ASSERT_TRUE(Parse(GoodRequest().SerializeAsString()).ok());
  EXPECT_EQ(request_.SerializeAsString(), GoodRequest().SerializeAsString());
  EXPECT_THAT(bad_texts_, IsEmpty());
}

TEST_F(WireTest, CountsTextsWithoutReadingThem) {
  std::string bytes = GoodRequest().SerializeAsString();
  EXPECT_EQ(CountFields(bytes).texts, 2);
  EXPECT_EQ(CountFields("").texts, 0);
  EXPECT_EQ(CountFields("\xff\xff\xff\xff\xff\xff").texts, 0);
  EXPECT_EQ(CountFields(bytes.substr(0, bytes.find("zweiter") + 3)).texts, 1)
      << "the second is cut off";
  std::vector<grpc::Slice> slices;
  for (const char byte : bytes) slices.emplace_back(std::string(1, byte));
  EXPECT_EQ(CountFields(grpc::ByteBuffer(slices.data(), slices.size())).texts, 2);
}

TEST_F(WireTest, AnEmptyBodyIsAnEmptyRequest) {
  EXPECT_TRUE(Parse("").ok());
  EXPECT_EQ(request_.texts_size(), 0);
}

TEST_F(WireTest, ATextThatIsNotUtf8BecomesEmptyAndIsReported) {
  std::string bytes = GoodRequest().SerializeAsString();
  bytes.replace(bytes.find("zweiter"), 7,
                "zwei\xc0\xaf"
                "r");  // an overlong slash
  ASSERT_TRUE(Parse(bytes).ok());
  ASSERT_EQ(request_.texts_size(), 2);
  EXPECT_EQ(request_.texts(0), "first");
  EXPECT_EQ(request_.texts(1), "");
  EXPECT_EQ(request_.pooling(), v1::POOLING_MAX) << "what stands behind it is read";
  EXPECT_TRUE(request_.normalize());
  ASSERT_THAT(bad_texts_, SizeIs(1));
  EXPECT_EQ(bad_texts_[0].index, 1U);
  EXPECT_EQ(bad_texts_[0].offset, 4U);
}

TEST_F(WireTest, AFlagThatIsFalseIsNotAnAbsentOne) {
  v1::EncodeRequest request = GoodRequest();
  request.set_normalize(false);
  const std::string bytes = request.SerializeAsString();
  EXPECT_THAT(bytes, HasSubstr(std::string("\x20\x00", 2))) << "field 4, a varint";
  ASSERT_TRUE(Parse(bytes).ok());
  EXPECT_TRUE(request_.has_normalize());
  EXPECT_FALSE(request_.normalize());

  request_.Clear();
  request.clear_normalize();
  ASSERT_TRUE(Parse(request.SerializeAsString()).ok());
  EXPECT_FALSE(request_.has_normalize());
}

TEST_F(WireTest, OtherFieldsMustBeUtf8) {
  std::string bytes = GoodRequest().SerializeAsString();
  bytes[bytes.find('m')] = '\xff';
  const absl::Status status = Parse(bytes);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("synth.v1.EncodeRequest"));
}

TEST_F(WireTest, DamagedBytesAreRefused) {
  const std::string bytes = GoodRequest().SerializeAsString();
  EXPECT_FALSE(Parse(bytes.substr(0, bytes.size() - 1)).ok());
  EXPECT_FALSE(Parse("\x12\xff\xff\xff\xff\x0f").ok());
  EXPECT_FALSE(Parse(std::string(3, '\0')).ok());
  EXPECT_FALSE(Parse("\x14").ok()) << "the end of a group that never began";
}

TEST_F(WireTest, WhatIsNotCountedIsNotRead) {
  // The text's length is 2^32, whose low 32 bits are 0; texts without number follow.
  std::string bytes("\x12\x80\x80\x80\x80\x10", 6);
  for (int i = 0; i < 1000; ++i) bytes += std::string("\x12\x00", 2);
  EXPECT_EQ(CountFields(bytes).texts, 0);
  EXPECT_FALSE(Parse(bytes).ok());
}

TEST_F(WireTest, CountsFieldsBesidesTexts) {
  v1::ClassifyRequest request;
  request.add_texts("a");
  request.set_top_k(3);
  std::string bytes = request.SerializeAsString();
  EXPECT_EQ(CountFields(bytes).others, 1);
  for (int i = 0; i < 1000; ++i) bytes += std::string("\xfa\x07\x00", 3);  // field 127, empty
  EXPECT_EQ(CountFields(bytes).others, 1001);
  EXPECT_EQ(CountFields(bytes).texts, 1);
}

}  // namespace
}  // namespace synth::server
