#include "server/rpc/v1/pairs.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace synth::server {

absl::Status CheckPairs(v1::Truncation truncation, const Model& model) {
  const std::optional<int> special = model.tokenizer()->pair_special_tokens();
  if (!special) {
    return absl::FailedPreconditionError("model: this model's tokenizer takes no pairs of texts");
  }
  if (model.max_text_tokens() <= *special) {
    return absl::FailedPreconditionError(absl::StrCat("model: a pair has ", *special,
                                                      " special tokens, and the model takes ",
                                                      model.max_text_tokens(), " tokens"));
  }
  if (truncation != v1::TRUNCATION_WINDOWS) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "truncation: expected TRUNCATION_END or TRUNCATION_NONE for pairs of texts, found "
      "TRUNCATION_WINDOWS");
}

}  // namespace synth::server
