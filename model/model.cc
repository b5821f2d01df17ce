#include "synth/model.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/layers/classifier.h"
#include "model/layers/encoder.h"
#include "model/layers/pooling.h"
#include "model/layers/projection.h"
#include "model/limits.h"
#include "model/strings.h"
#include "model/text/sentencepiece_tokenizer.h"
#include "model/text/tokenizer_json.h"
#include "model/text/wordpiece_tokenizer.h"
#include "model/workspace.h"
#include "synth/config.h"
#include "synth/precision.h"
#include "synth/tokenizer.h"

namespace synth {
namespace {

absl::StatusOr<std::unique_ptr<const Tokenizer>> ReadTokenizer(const TokenizerConfig& config,
                                                               std::string_view bytes) {
  switch (config.type) {
    case TokenizerType::kSentencePiece:
      return LoadSentencePiece(config, bytes);
    case TokenizerType::kTokenizerJson:
      return LoadTokenizerJson(bytes);
    case TokenizerType::kWordPiece:
      return LoadWordPiece({.normalizer = {.handle_chinese_chars = config.tokenize_chinese_chars,
                                           .strip_accents = config.strip_accents,
                                           .lowercase = config.do_lower_case},
                            .cls_token = config.cls_token.value_or(""),
                            .sep_token = config.sep_token.value_or("")},
                           bytes);
  }
  return absl::InternalError("unreachable");
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadTokenizer(const std::filesystem::path& folder,
                                                               const Checkpoint& checkpoint) {
  const std::optional<std::string>& model = checkpoint.tokenizer_model();
  if (!model) return std::unique_ptr<const Tokenizer>();
  const ModelConfig& config = checkpoint.config();
  const std::string file = (folder / config.tokenizer->file).string();
  auto tokenizer = ReadTokenizer(*config.tokenizer, *model);
  if (!tokenizer.ok()) {
    return absl::Status(tokenizer.status().code(), Cat(file, ": ", tokenizer.status().message()));
  }
  if ((*tokenizer)->vocab_size() > config.vocab_size) {
    return absl::InvalidArgumentError(
        Cat(file, ": expected at most vocab_size = ", config.vocab_size,
            " pieces (config.json), found ", (*tokenizer)->vocab_size()));
  }
  const int special = (*tokenizer)->special_tokens();
  if (config.max_text_tokens() <= special) {
    return absl::InvalidArgumentError(
        Cat(folder.string(), ": expected texts of more tokens than the ", special,
            " special ones, found at most ", config.max_text_tokens(),
            config.max_seq_length ? " (max_seq_length)" : " (max_position_embeddings)"));
  }
  return tokenizer;
}

std::optional<Classifier> LoadClassifier(const Kernels& kernels, const Checkpoint& checkpoint) {
  const std::optional<ClassifierConfig>& config = checkpoint.config().classifier;
  if (!config) return std::nullopt;
  return std::make_optional<Classifier>(kernels.isa.f32, TensorScope(checkpoint, ""),
                                        config->pooler);
}

using Projections = std::vector<std::unique_ptr<const Projection>>;

Projections LoadProjections(const Kernels& kernels, const Checkpoint& checkpoint) {
  const TensorScope tensors = TensorScope(checkpoint, "").Below("projections");
  Projections projections;
  for (const ProjectionConfig& config : checkpoint.config().projections) {
    projections.push_back(std::make_unique<const Projection>(
        kernels.isa.f32, tensors.Below(Cat(projections.size())), config));
  }
  return projections;
}

ModelInfo Describe(const Checkpoint& checkpoint, const Encoder& encoder,
                   const std::optional<Classifier>& classifier, const Projections& projections,
                   const Kernels& kernels, Precision precision) {
  ModelInfo info;
  for (const TensorSpec& tensor : checkpoint.table()) {
    std::int64_t elements = 1;
    for (const std::int64_t dimension : tensor.shape) elements *= dimension;
    info.parameters += elements;
    if (tensor.role == TensorRole::kEmbedding) info.embedding_parameters += elements;
    if (tensor.role == TensorRole::kScore) info.score_parameters += elements;
  }
  info.weight_bytes = encoder.bytes() + (classifier ? classifier->bytes() : 0);
  for (const auto& projection : projections) info.weight_bytes += projection->bytes();
  info.precision = precision;
  info.instruction_set = kernels.isa.name;
  return info;
}

}  // namespace

void WorkspaceDeleter::operator()(Workspace* workspace) const { delete workspace; }

struct Model::Impl {
  Impl(const Kernels& kernels, Precision precision, const Checkpoint& checkpoint,
       std::unique_ptr<const Tokenizer> the_tokenizer)
      : config(checkpoint.config()),
        config_json(checkpoint.config_json()),
        tokenizer(std::move(the_tokenizer)),
        encoder(kernels, checkpoint),
        classifier(LoadClassifier(kernels, checkpoint)),
        projections(LoadProjections(kernels, checkpoint)),
        info(Describe(checkpoint, encoder, classifier, projections, kernels, precision)) {}

  const ModelConfig config;
  const std::string config_json;
  const std::unique_ptr<const Tokenizer> tokenizer;
  const Encoder encoder;
  const std::optional<Classifier> classifier;
  const Projections projections;
  ModelInfo info;  // Load adds the digest
};

absl::StatusOr<std::unique_ptr<const Model>> Model::Load(const std::filesystem::path& folder,
                                                         const LoadOptions& options) try {
  const auto kernels = SelectKernels(options.precision);
  if (!kernels.ok()) return kernels.status();
  const auto checkpoint = Checkpoint::Open(folder);
  if (!checkpoint.ok()) return checkpoint.status();
  if (const absl::Status status = CheckLimits(checkpoint->config(), options.precision);
      !status.ok()) {
    return absl::Status(status.code(),
                        Cat((folder / "config.json").string(), ": ", status.message()));
  }
  auto tokenizer = LoadTokenizer(folder, *checkpoint);
  if (!tokenizer.ok()) return tokenizer.status();
  // Beside the building of the layers: each takes about half of the time. In get() if no thread can
  // be started.
  auto digest_later = std::async([&checkpoint] { return checkpoint->ComputeDigest(); });
  auto impl =
      std::make_unique<Impl>(*kernels, options.precision, *checkpoint, *std::move(tokenizer));
  auto digest = digest_later.get();
  if (!digest.ok()) return digest.status();
  impl->info.digest = *std::move(digest);
  if (absl::Status status = checkpoint->status(); !status.ok()) return status;
  return std::unique_ptr<const Model>(new Model(std::move(impl)));
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError(Cat(folder.string(), ": too large for the memory"));
}

Model::Model(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

const ModelConfig& Model::config() const { return impl_->config; }
const ModelInfo& Model::info() const { return impl_->info; }
int Model::max_text_tokens() const { return impl_->config.max_text_tokens(); }
std::size_t Model::attention_bytes() const { return impl_->encoder.attention_bytes(); }
const std::string& Model::config_json() const { return impl_->config_json; }
const Tokenizer* Model::tokenizer() const { return impl_->tokenizer.get(); }

// NOLINTNEXTLINE(readability-convert-member-functions-to-static): a workspace belongs to its model.
WorkspacePtr Model::MakeWorkspace() const { return WorkspacePtr(new Workspace()); }

// NOLINTNEXTLINE(readability-convert-member-functions-to-static)
std::vector<WorkspacePtr> Model::MakeWorkspaces(int count) const {
  const auto scratch = std::make_shared<std::vector<Scratch>>(static_cast<std::size_t>(count));
  std::vector<WorkspacePtr> workspaces;
  for (int i = 0; i < count; ++i) {
    workspaces.emplace_back(new Workspace());
    workspaces.back()->scratch = scratch;
  }
  return workspaces;
}

absl::Status Model::Validate(const PackedTokens& tokens) const {
  const auto& offsets = tokens.offsets;
  const auto total = static_cast<std::int64_t>(tokens.token_ids.size());
  if (offsets.size() < 2 || offsets.front() != 0 || offsets.back() != total) {
    return absl::InvalidArgumentError(
        Cat("offsets: expected one text or more, from 0 to the ", total, " tokens"));
  }
  if (!tokens.first_segments.empty() && tokens.first_segments.size() + 1 != offsets.size()) {
    return absl::InvalidArgumentError(
        Cat("first_segments: expected one number a text, found ", tokens.first_segments.size()));
  }
  const int longest = max_text_tokens();
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] <= offsets[i - 1]) {
      return absl::InvalidArgumentError(Cat("offsets: text ", i - 1, " has no tokens"));
    }
    const std::int64_t length = std::int64_t{offsets[i]} - offsets[i - 1];
    if (length > longest) {
      return absl::OutOfRangeError(
          Cat("text ", i - 1, " has ", length, " tokens, more than the model's ", longest));
    }
  }
  for (std::size_t t = 0; t < tokens.token_ids.size(); ++t) {
    const std::int32_t id = tokens.token_ids[t];
    if (id < 0 || id >= config().vocab_size) {
      return absl::InvalidArgumentError(Cat("token_ids: expected ids from 0 to ",
                                            config().vocab_size - 1, ", found ", id, " at ", t));
    }
  }
  return absl::OkStatus();
}

std::span<const float> Model::Forward(const PackedTokens& tokens, Workspace& workspace,
                                      Helpers* helpers) const {
  assert(Validate(tokens).ok());
  const Matrix hidden = impl_->encoder.Forward(tokens, workspace, helpers);
  return {hidden.data, static_cast<std::size_t>(hidden.rows * hidden.cols)};
}

void Model::VisitAttention(std::span<const std::int32_t> token_ids, Workspace& workspace,
                           absl::FunctionRef<void(const LayerAttention&)> visit) const {
  const std::array<std::int32_t, 2> offsets = {0, static_cast<std::int32_t>(token_ids.size())};
  assert(Validate({token_ids, offsets}).ok());
  impl_->encoder.VisitAttention({token_ids, offsets}, workspace, visit);
}

void Model::Pool(std::span<const float> hidden, Pooling pooling, std::span<float> pooled) const {
  assert(pooled.size() == static_cast<std::size_t>(config().hidden_size));
  PoolTokens(hidden, pooling, pooled);
}

void Model::Embed(std::span<const float> pooled, std::span<float> vector) const {
  assert(vector.size() == static_cast<std::size_t>(config().embedding_size()));
  std::vector<float> x(pooled.begin(), pooled.end());
  for (const auto& projection : impl_->projections) {
    std::vector<float> y(static_cast<std::size_t>(projection->out()));
    projection->Forward(x, y);
    x = std::move(y);
  }
  std::ranges::copy(x, vector.begin());
}

void Model::Classify(std::span<const float> pooled, std::span<float> logits) const {
  assert(impl_->classifier.has_value());
  impl_->classifier->Forward(pooled, logits);
}

}  // namespace synth
