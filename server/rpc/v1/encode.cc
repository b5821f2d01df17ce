#include "server/rpc/v1/encode.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/rpc/v1/embedding_bytes.h"
#include "server/rpc/v1/long_texts.h"
#include "server/rpc/v1/pooling.h"
#include "server/rpc/v1/usage.h"
#include "server/rpc/v1/validation.h"
#include "server/serving/finite.h"
#include "synth/postprocess.h"
#include "synth/utf8.h"

namespace synth::server {

namespace {

constexpr std::size_t kExcerptBytes = 200;

bool NormalizeOf(const v1::EncodeRequest& request, const Model& model) {
  return request.has_normalize() ? request.normalize() : model.config().normalize;
}

absl::Status CheckDimensions(const v1::EncodeRequest& request, const Model& model) {
  const auto most = static_cast<std::uint32_t>(model.config().embedding_size());
  if (!request.has_dimensions() || (request.dimensions() >= 1 && request.dimensions() <= most)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("dimensions: expected 1 to ", most, ", found ", request.dimensions()));
}

// What is put before each text, which may be nothing.
absl::StatusOr<std::string_view> PromptOf(const v1::EncodeRequest& request, const Model& model) {
  const ModelConfig& config = model.config();
  const std::string& name =
      request.has_prompt_name() ? request.prompt_name() : config.default_prompt_name.value_or("");
  if (name.empty()) return std::string_view();
  const auto found = config.prompts.find(name);
  if (found != config.prompts.end()) return found->second;
  const auto quote = [](std::string* out, const auto& prompt) {
    absl::StrAppend(out, "\"", prompt.first, "\"");
  };
  const std::string expected = config.prompts.empty()
                                   ? "none, for the model has no prompts"
                                   : absl::StrJoin(config.prompts, " or ", quote);
  return absl::InvalidArgumentError(absl::StrCat("prompt_name: expected ",
                                                 Excerpt(expected, kExcerptBytes), ", found \"",
                                                 Excerpt(name, kExcerptBytes), "\""));
}

}  // namespace

absl::StatusOr<TextBatch::Options> EncodeMethod::MakeOptions(const Request& request,
                                                             const Model& model) {
  absl::Status status =
      CheckEnum("pooling", request.pooling(), v1::Pooling_IsValid(request.pooling()));
  status.Update(CheckEnum("embedding_format", request.embedding_format(),
                          v1::EmbeddingFormat_IsValid(request.embedding_format())));
  status.Update(CheckDimensions(request, model));
  if (!status.ok()) return status;
  const absl::StatusOr<std::string_view> prompt = PromptOf(request, model);
  if (!prompt.ok()) return prompt.status();
  TextBatch::Options options{.pooling = FromProto(request.pooling(), model.config().pooling),
                             .prompt = *prompt};
  status = SetLongTexts(request, model, options);
  if (!status.ok()) return status;
  return options;
}

// Vectors are bounded by the number of texts.
std::int64_t EncodeMethod::EntriesOf(const Model& /*model*/, const Request& /*request*/,
                                     const TextResult& /*text*/) {
  return 0;
}

absl::Status EncodeMethod::Write(const Model& model, const Request& request, const TextResult& text,
                                 v1::EncodeResult& result) {
  std::span<float> vector = text.vector;
  std::vector<float> projected;
  if (!model.config().projections.empty()) {
    projected.resize(static_cast<std::size_t>(model.config().embedding_size()));
    model.Embed(vector, projected);
    vector = projected;
    if (absl::Status status = CheckFinite(vector); !status.ok()) return status;
  }
  if (request.has_dimensions()) vector = vector.first(request.dimensions());
  if (NormalizeOf(request, model)) L2Normalize(vector);
  WriteEmbedding(request.embedding_format(), vector, result);
  FillUsage(text, *result.mutable_usage());
  return absl::OkStatus();
}

}  // namespace synth::server
