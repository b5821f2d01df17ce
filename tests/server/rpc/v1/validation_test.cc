#include "server/rpc/v1/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/rpc/v1/status.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

TEST(ValidationTest, TextCountsAtTheLimits) {
  EXPECT_FALSE(CheckTextCount(0, 3).ok());
  EXPECT_TRUE(CheckTextCount(1, 3).ok());
  EXPECT_TRUE(CheckTextCount(3, 3).ok());
  EXPECT_FALSE(CheckTextCount(4, 3).ok());
}

TEST(ValidationTest, FieldCountsAtTheLimit) {
  EXPECT_TRUE(CheckFieldCount(64).ok());
  EXPECT_FALSE(CheckFieldCount(65).ok());
}

TEST(ValidationTest, StatusesKeepTheirCodeAndMessage) {
  const grpc::Status status = ToGrpcStatus(CheckEnum("pooling", 9, false));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("pooling: the value 9"));
  v1::ItemStatus item;
  ToItemStatus(absl::OutOfRangeError("too long"), item);
  EXPECT_EQ(item.code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(item.message(), "too long");
}

}  // namespace
}  // namespace synth::server
