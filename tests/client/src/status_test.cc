#include "synth/client/status.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/client/fake_server.h"

namespace synth::client {
namespace {

TEST(Status, EveryCodeKeepsItsNameAndMessage) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status =
        ToAbslStatus(grpc::Status(static_cast<grpc::StatusCode>(code), "why"));
    EXPECT_EQ(static_cast<int>(status.code()), code);
    EXPECT_EQ(status.message(), "why");
    EXPECT_EQ(RetryAfter(status), std::nullopt);
  }
  EXPECT_TRUE(ToAbslStatus(grpc::Status::OK).ok());
}

TEST(Status, AnItemsStatusIsNeverOk) {
  v1::ItemStatus item;
  item.set_message("what");
  EXPECT_EQ(ToAbslStatus(item).code(), absl::StatusCode::kUnknown);
  item.set_code(-3);
  EXPECT_EQ(ToAbslStatus(item).code(), absl::StatusCode::kUnknown);
  item.set_code(99);
  EXPECT_EQ(ToAbslStatus(item).code(), absl::StatusCode::kUnknown);
  item.set_code(grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(ToAbslStatus(item), absl::OutOfRangeError("what"));
}

// The status of a call that the server refuses with that trailer.
absl::Status RefusedWith(const std::string& trailer) {
  FakeServer server;
  server.encode = [&trailer](grpc::ServerContext& context, const auto&, auto&) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms", trailer);
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the queue is full");
  };
  ClientOptions options;
  options.retry.max_attempts = 1;
  v1::EncodeRequest request;
  request.add_texts("text");
  return server.Connect(options)->Encode(request).status();
}

TEST(Status, TheRetryHintIsKept) {
  const absl::Status status = RefusedWith("120");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "the queue is full");
  EXPECT_EQ(RetryAfter(status), std::chrono::milliseconds(120));
}

TEST(Status, AHintNotToRetryIsNoWait) { EXPECT_EQ(RetryAfter(RefusedWith("-1")), std::nullopt); }

}  // namespace
}  // namespace synth::client
