#ifndef SYNTH_CONFIG_H_
#define SYNTH_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace synth {

// The shape of a model, as config.json states it (docs/checkpoint.md):
//
//   const auto config = synth::ParseConfig(text);
//   if (!config.ok()) return config.status();
//   std::cout << ToString(config->attention[0]) << "\n";  // factorized_random
//
// Letters: D hidden size, H heads, Dh = D / H, F feed-forward size, V vocabulary, L position
// embeddings, N layers, C classes, E size of a vector, k factor rank.

// --- Score sources: where the scores S [H, n, n] come from (Tay et al. 2020, section 3). ---

// S = (x Wq)(x Wk)ᵀ / √Dh: the Transformer's own.
struct DotProductSpec {
  bool operator==(const DotProductSpec&) const = default;
};
// S_ij = (relu(x_i W1 + b1) W2 + b2)_j: each token predicts its row of scores (Dense).
struct DenseSpec {
  bool operator==(const DenseSpec&) const = default;
};
// S_ij = A_i[j mod a] · B_i[j div a] with a·b = L (Factorized Dense).
struct FactorizedDenseSpec {
  int a = 0;
  int b = 0;
  bool operator==(const FactorizedDenseSpec&) const = default;
};
// S = R, learned (or fixed at random), the same for every input (Random).
struct RandomSpec {
  bool trainable = true;
  bool operator==(const RandomSpec&) const = default;
};
// S = R1 R2ᵀ with R1, R2 [L, k], the same for every input (Factorized Random).
struct FactorizedRandomSpec {
  int k = 0;
  bool operator==(const FactorizedRandomSpec&) const = default;
};
using SourceSpec =
    std::variant<DotProductSpec, DenseSpec, FactorizedDenseSpec, RandomSpec, FactorizedRandomSpec>;

// S = Σ_m α_m S_m with α = softmax(a) per head, so that Σα = 1 (Mixture).
struct MixtureSpec {
  std::vector<SourceSpec> parts;  // two or more
  bool operator==(const MixtureSpec&) const = default;
};
using AttentionSpec = std::variant<DotProductSpec, DenseSpec, FactorizedDenseSpec, RandomSpec,
                                   FactorizedRandomSpec, MixtureSpec>;

// Whether the scores differ from text to text. Those of a mixture do if those of one part do.
bool DependsOnInput(const SourceSpec& spec);
bool DependsOnInput(const AttentionSpec& spec);

// "factorized_random", "mixture(dense + random)": the names of docs/checkpoint.md.
std::string ToString(const AttentionSpec& spec);

// --- The rest of the encoder. ---

enum class Activation { kRelu, kGelu, kGeluNew, kSilu };
enum class NormPosition { kPost, kPre };
enum class PositionEmbedding { kAbsolute, kNone };
enum class Pooling {
  kMean,
  kCls,           // the first token
  kMax,           // the largest value of each dimension
  kMeanSqrtLen,   // the sum over the tokens, divided by the square root of their number
  kWeightedMean,  // the mean in which the first token counts once, the second twice, and so on
  kLastToken,
};
enum class ProblemType {
  kSingleLabel,  // a text has one label: softmax
  kMultiLabel,   // any number of labels: the logistic function of each logit
  kRegression,   // each output is a number of its own, and no probability
};
enum class OutOfScopeScore { kMaxProbability, kEnergy };

std::string_view ToString(Pooling pooling);
std::string_view ToString(ProblemType type);  // as config.json writes it

// A layer W x + b in front of the classifier, and what its outputs pass.
enum class Pooler { kNone, kTanh, kRelu };

struct ClassifierConfig {
  ProblemType problem_type = ProblemType::kSingleLabel;
  Pooler pooler = Pooler::kNone;
  std::vector<std::string> labels;  // [C]
};

// A layer behind the pooling, y = act(W x + b): the module Dense of sentence-transformers.
enum class ProjectionActivation { kIdentity, kTanh, kRelu };

struct ProjectionConfig {
  std::string folder;   // of its tensors, in the checkpoint's folder
  int in_features = 0;  // D, or the out_features of the projection before
  int out_features = 0;
  bool has_bias = true;
  ProjectionActivation activation = ProjectionActivation::kTanh;
};

enum class TokenizerType {
  kSentencePiece,  // a SentencePiece model
  kWordPiece,      // BERT's vocab.txt
  kTokenizerJson,  // tokenizer.json of Hugging Face's tokenizers, with a WordPiece model
};

std::string_view ToString(TokenizerType type);

struct TokenizerConfig {
  std::string file;                      // relative to the checkpoint folder
  std::optional<std::string> cls_token;  // the piece before every text
  std::optional<std::string> sep_token;  // the piece behind every text
  TokenizerType type = TokenizerType::kSentencePiece;
  // For vocab.txt, under the names of tokenizer_config.json.
  bool do_lower_case = true;
  bool tokenize_chinese_chars = true;
  std::optional<bool> strip_accents{};  // absent: as do_lower_case
};

struct OutOfScopeConfig {
  OutOfScopeScore score = OutOfScopeScore::kMaxProbability;
  float threshold = 0;  // a text is out of scope when its score is greater
};

struct ModelConfig {
  std::string model_type;           // the family, as config.json names it: "synthesizer", "bert"
  int vocab_size = 0;               // V
  int hidden_size = 0;              // D
  int num_hidden_layers = 0;        // N
  int num_attention_heads = 0;      // H, divides D
  int intermediate_size = 0;        // F
  int max_position_embeddings = 0;  // L
  int type_vocab_size = 0;
  Activation hidden_act = Activation::kGelu;
  float layer_norm_eps = 1e-12F;
  NormPosition norm_position = NormPosition::kPost;
  PositionEmbedding position_embedding = PositionEmbedding::kAbsolute;
  // RoBERTa's positions: every token of this id has the position of that number, and the others
  // count from the next one on. Without it positions count from 0.
  std::optional<int> position_pad_id;
  Pooling pooling = Pooling::kMean;
  std::vector<ProjectionConfig> projections{};     // behind the pooling, in this order
  bool normalize = false;                          // whether vectors are meant to have length 1
  std::optional<int> max_seq_length;               // tokens of the longest text, if fewer than L
  std::map<std::string, std::string> prompts;      // put before a text, by name
  std::optional<std::string> default_prompt_name;  // a key of prompts
  std::vector<AttentionSpec> attention;            // [N], one per layer
  std::optional<ClassifierConfig> classifier;
  std::optional<TokenizerConfig> tokenizer;
  std::optional<OutOfScopeConfig> out_of_scope;

  // Numbers in a text's vector: E. D, unless there are projections.
  int embedding_size() const {
    return projections.empty() ? hidden_size : projections.back().out_features;
  }
  // The longest text, in tokens, its special tokens included.
  int max_text_tokens() const { return max_seq_length.value_or(max_position_embeddings); }
  // Rows of the table of positions: L, and those that RoBERTa leaves in front.
  int position_rows() const { return max_position_embeddings + position_pad_id.value_or(-1) + 1; }
  int head_size() const { return hidden_size / num_attention_heads; }  // Dh
};

// Reads the text of a config.json, whose sizes, names and specs it checks. INVALID_ARGUMENT names
// the key, what was expected and what was found.
absl::StatusOr<ModelConfig> ParseConfig(std::string_view text);

}  // namespace synth

#endif  // SYNTH_CONFIG_H_
