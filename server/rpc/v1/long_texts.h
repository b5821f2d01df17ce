#ifndef SYNTH_SERVER_RPC_V1_LONG_TEXTS_H_
#define SYNTH_SERVER_RPC_V1_LONG_TEXTS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/v1/validation.h"
#include "server/serving/text_batch.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// What Encode and Classify ask for texts with more tokens than the model takes.

template <typename Request>
TextBatch::LongTexts LongTextsOf(const Request& request) {
  using LongTexts = TextBatch::LongTexts;
  switch (request.truncation()) {
    case v1::TRUNCATION_NONE:
      return LongTexts::kFail;
    case v1::TRUNCATION_WINDOWS:
      return LongTexts::kWindows;
    default:  // unspecified: CheckLongTexts has refused what is unknown
      return LongTexts::kTruncate;
  }
}

// Tokens that two windows share, at least.
template <typename Request>
int WindowOverlapOf(const Request& request, const Model& model) {
  if (request.has_window_overlap()) return static_cast<int>(request.window_overlap());
  return model.max_text_tokens() / 8;
}

template <typename Request>
absl::Status CheckLongTexts(const Request& request, const Model& model) {
  absl::Status status =
      CheckEnum("truncation", request.truncation(), v1::Truncation_IsValid(request.truncation()));
  if (!status.ok() || !request.has_window_overlap()) return status;
  if (request.truncation() != v1::TRUNCATION_WINDOWS) {
    return absl::InvalidArgumentError(
        "window_overlap: expected none without TRUNCATION_WINDOWS, found one");
  }
  // A larger one would make a text cost more than twice its tokens.
  const int most = (model.max_text_tokens() - model.tokenizer()->special_tokens()) / 2;
  if (request.window_overlap() <= static_cast<std::uint32_t>(most)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("window_overlap: expected at most ", most,
                   ", half of the tokens of a window beside its special tokens, found ",
                   request.window_overlap()));
}

// Checks the request's options for long texts, and sets them.
template <typename Request>
absl::Status SetLongTexts(const Request& request, const Model& model, TextBatch::Options& options) {
  absl::Status status = CheckLongTexts(request, model);
  if (!status.ok()) return status;
  options.long_texts = LongTextsOf(request);
  options.window_overlap = WindowOverlapOf(request, model);
  return absl::OkStatus();
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_LONG_TEXTS_H_
