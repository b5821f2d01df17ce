#include "model/checkpoint/tensor_table.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

using Shape = std::vector<std::int64_t>;

class Table {
 public:
  explicit Table(const ModelConfig& config)
      : D(config.hidden_size),
        H(config.num_attention_heads),
        Dh(config.head_size()),
        L(config.max_position_embeddings) {}

  void Add(std::string name, Shape shape, TensorRole role = TensorRole::kOther) {
    tensors_.push_back({std::move(name), std::move(shape), role});
  }
  void AddLinear(std::string_view name, std::int64_t out, std::int64_t in,
                 TensorRole role = TensorRole::kOther) {
    Add(Cat(name, ".weight"), {out, in}, role);
    Add(Cat(name, ".bias"), {out}, role);
  }
  void AddLayerNorm(std::string_view name) {
    Add(Cat(name, ".weight"), {D});
    Add(Cat(name, ".bias"), {D});
  }
  void AddScore(std::string_view prefix, std::string_view name, Shape shape) {
    Add(Cat(prefix, name), std::move(shape), TensorRole::kScore);
  }

  std::vector<TensorSpec> Take() { return std::move(tensors_); }

  const std::int64_t D, H, Dh, L;  // NOLINT(readability-identifier-naming): the letters of the doc

 private:
  std::vector<TensorSpec> tensors_;
};

// The tensors of a score source, below a prefix that ends with a dot.
struct AddScoreTensors {
  Table& table;
  std::string prefix;

  void operator()(const DotProductSpec&) const {
    table.AddLinear(Cat(prefix, "query"), table.D, table.D, TensorRole::kScore);
    table.AddLinear(Cat(prefix, "key"), table.D, table.D, TensorRole::kScore);
  }
  void operator()(const DenseSpec&) const {
    table.AddLinear(Cat(prefix, "dense.w1"), table.D, table.D, TensorRole::kScore);
    table.AddScore(prefix, "dense.w2", {table.H, table.Dh, table.L});
    table.AddScore(prefix, "dense.b2", {table.H, table.L});
  }
  void operator()(const FactorizedDenseSpec& spec) const {
    table.AddLinear(Cat(prefix, "factorized_dense.w1"), table.D, table.D, TensorRole::kScore);
    table.AddScore(prefix, "factorized_dense.wa", {table.H, table.Dh, spec.a});
    table.AddScore(prefix, "factorized_dense.wb", {table.H, table.Dh, spec.b});
  }
  void operator()(const RandomSpec&) const {
    table.AddScore(prefix, "random.r", {table.H, table.L, table.L});
  }
  void operator()(const FactorizedRandomSpec& spec) const {
    table.AddScore(prefix, "factorized_random.r1", {table.H, table.L, spec.k});
    table.AddScore(prefix, "factorized_random.r2", {table.H, table.L, spec.k});
  }
  void operator()(const MixtureSpec& mixture) const {
    const auto parts = static_cast<std::int64_t>(mixture.parts.size());
    table.AddScore(prefix, "mixture.a", {table.H, parts});
    for (std::size_t m = 0; m < mixture.parts.size(); ++m) {
      std::visit(AddScoreTensors{table, Cat(prefix, "mixture.", m, ".")}, mixture.parts[m]);
    }
  }
};

void AddEmbeddings(const ModelConfig& config, Table& table) {
  table.Add("embeddings.word_embeddings.weight", {config.vocab_size, table.D},
            TensorRole::kEmbedding);
  if (config.position_embedding == PositionEmbedding::kAbsolute) {
    table.Add("embeddings.position_embeddings.weight", {config.position_rows(), table.D},
              TensorRole::kEmbedding);
  }
  if (config.type_vocab_size > 0) {
    table.Add("embeddings.token_type_embeddings.weight", {config.type_vocab_size, table.D},
              TensorRole::kEmbedding);
  }
  table.AddLayerNorm("embeddings.LayerNorm");
}

void AddLayer(const ModelConfig& config, std::size_t i, Table& table) {
  const std::string layer = Cat("encoder.layer.", i, ".");
  const bool post = config.norm_position == NormPosition::kPost;
  std::visit(AddScoreTensors{table, Cat(layer, "attention.self.")}, config.attention[i]);
  table.AddLinear(Cat(layer, "attention.self.value"), table.D, table.D);
  table.AddLinear(Cat(layer, "attention.output.dense"), table.D, table.D);
  table.AddLayerNorm(Cat(layer, post ? "attention.output.LayerNorm" : "attention.LayerNorm"));
  table.AddLinear(Cat(layer, "intermediate.dense"), config.intermediate_size, table.D);
  table.AddLinear(Cat(layer, "output.dense"), table.D, config.intermediate_size);
  table.AddLayerNorm(Cat(layer, post ? "output.LayerNorm" : "intermediate.LayerNorm"));
}

}  // namespace

std::vector<TensorSpec> TensorTable(const ModelConfig& config) {
  Table table(config);
  AddEmbeddings(config, table);
  for (std::size_t i = 0; i < config.attention.size(); ++i) AddLayer(config, i, table);
  if (config.norm_position == NormPosition::kPre) table.AddLayerNorm("LayerNorm");
  if (config.classifier && config.classifier->pooler != Pooler::kNone) {
    table.AddLinear("pooler.dense", table.D, table.D);
  }
  if (config.classifier) {
    table.AddLinear("classifier", static_cast<std::int64_t>(config.classifier->labels.size()),
                    table.D);
  }
  for (std::size_t i = 0; i < config.projections.size(); ++i) {
    const ProjectionConfig& projection = config.projections[i];
    table.Add(Cat("projections.", i, ".weight"), {projection.out_features, projection.in_features});
    if (projection.has_bias) table.Add(Cat("projections.", i, ".bias"), {projection.out_features});
  }
  return table.Take();
}

}  // namespace synth
