#ifndef SYNTH_SERVER_RPC_V1_VALIDATION_H_
#define SYNTH_SERVER_RPC_V1_VALIDATION_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace synth::server {

// The checks of a request's fields. Messages name the field, what was expected and what was found.

inline absl::Status CheckTextCount(std::int64_t count, int max_texts) {
  if (count == 0) return absl::InvalidArgumentError("texts: expected at least 1, found none");
  if (count > max_texts) {
    return absl::InvalidArgumentError(
        absl::StrCat("texts: expected at most ", max_texts, ", found ", count));
  }
  return absl::OkStatus();
}

// `text_pairs` of Classify, beside `texts`.
inline absl::Status CheckPairCount(std::int64_t pairs, std::int64_t texts) {
  if (pairs == 0 || pairs == texts) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("text_pairs: expected none, or as many as texts (", texts, "), found ", pairs));
}

// `query` of Rerank.
inline absl::Status CheckQuerySize(std::size_t size, std::int64_t max_text_bytes) {
  if (static_cast<std::int64_t>(size) <= max_text_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("query: expected at most ", max_text_bytes, " bytes, found ", size));
}

// Fields besides texts. No request needs more than a dozen. An unknown field takes 60 bytes in
// memory.
inline absl::Status CheckFieldCount(std::int64_t count) {
  constexpr std::int64_t kMost = 64;
  if (count <= kMost) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the request: expected at most ", kMost,
                                                 " fields besides texts, found ", count));
}

// Proto3 keeps enum values that it does not know; here they are errors.
inline absl::Status CheckEnum(const char* field, int value, bool is_known) {
  if (is_known) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": the value ", value, " is not known to this server"));
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_VALIDATION_H_
