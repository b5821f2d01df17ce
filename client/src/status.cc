#include "synth/client/status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace synth::client {
namespace {

// Under this name the hint travels in the absl::Status, as a decimal number of milliseconds.
constexpr char kRetryAfterPayload[] = "synth.v1/retry-after-ms";
constexpr char kPushbackTrailer[] = "grpc-retry-pushback-ms";
constexpr int kLargestCode = 16;

// absl and gRPC number their codes alike; the ends and the middle of the range stand for the rest.
static_assert(static_cast<int>(absl::StatusCode::kOk) == grpc::StatusCode::OK);
static_assert(static_cast<int>(absl::StatusCode::kCancelled) == grpc::StatusCode::CANCELLED);
static_assert(static_cast<int>(absl::StatusCode::kInvalidArgument) ==
              grpc::StatusCode::INVALID_ARGUMENT);
static_assert(static_cast<int>(absl::StatusCode::kDeadlineExceeded) ==
              grpc::StatusCode::DEADLINE_EXCEEDED);
static_assert(static_cast<int>(absl::StatusCode::kResourceExhausted) ==
              grpc::StatusCode::RESOURCE_EXHAUSTED);
static_assert(static_cast<int>(absl::StatusCode::kOutOfRange) == grpc::StatusCode::OUT_OF_RANGE);
static_assert(static_cast<int>(absl::StatusCode::kUnavailable) == grpc::StatusCode::UNAVAILABLE);
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
              grpc::StatusCode::UNAUTHENTICATED);

absl::StatusCode ToAbslCode(int code) {
  if (code < 0 || code > kLargestCode) return absl::StatusCode::kUnknown;
  return static_cast<absl::StatusCode>(code);
}

}  // namespace

absl::Status ToAbslStatus(const grpc::Status& status) {
  return {ToAbslCode(status.error_code()), status.error_message()};
}

absl::Status ToAbslStatus(const grpc::Status& status, const grpc::ClientContext& context) {
  absl::Status converted = ToAbslStatus(status);
  if (converted.ok()) return converted;
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto hint = trailers.find(kPushbackTrailer);
  if (hint == trailers.end()) return converted;
  converted.SetPayload(kRetryAfterPayload,
                       absl::Cord(absl::string_view(hint->second.data(), hint->second.size())));
  return converted;
}

absl::Status ToAbslStatus(const v1::ItemStatus& status) {
  const absl::StatusCode code = ToAbslCode(status.code());
  if (code != absl::StatusCode::kOk) return {code, status.message()};
  return absl::UnknownError(
      absl::StrCat("a text failed without an error code: ", status.message()));
}

std::optional<std::chrono::milliseconds> RetryAfter(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryAfterPayload);
  if (!payload.has_value()) return std::nullopt;
  std::string hint;
  absl::CopyCordToString(*payload, &hint);
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(hint, &milliseconds) || milliseconds < 0) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(milliseconds);
}

}  // namespace synth::client
