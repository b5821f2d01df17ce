#include "model/attention/load.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/dense.h"
#include "model/attention/dot_product.h"
#include "model/attention/dynamic_scores.h"
#include "model/attention/dynamic_weights.h"
#include "model/attention/factorized_dense.h"
#include "model/attention/factorized_random.h"
#include "model/attention/random.h"
#include "model/attention/static_scores.h"
#include "model/attention/static_sum.h"
#include "model/attention/static_weights.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

// What a mixture is made of: its input-independent parts, and the others.
struct ScoreParts {
  std::vector<std::unique_ptr<const StaticScores>> fixed;
  std::vector<std::unique_ptr<const DynamicScores>> dynamic;
};

// Adds a source, weighted by alpha [H], to `parts`.
struct AddSource {
  const Kernels& kernels;
  const TensorScope tensors;
  const ModelConfig& config;
  const std::vector<float> alpha;
  ScoreParts& parts;

  void operator()(const DotProductSpec&) const {
    parts.dynamic.push_back(
        std::make_unique<const DotProductScores>(kernels, tensors, config, alpha));
  }
  void operator()(const DenseSpec&) const {
    parts.dynamic.push_back(std::make_unique<const DenseScores>(kernels, tensors, config, alpha));
  }
  void operator()(const FactorizedDenseSpec& spec) const {
    parts.dynamic.push_back(
        std::make_unique<const FactorizedDenseScores>(kernels, tensors, config, spec, alpha));
  }
  void operator()(const RandomSpec&) const {
    parts.fixed.push_back(std::make_unique<const RandomScores>(tensors, config, alpha));
  }
  void operator()(const FactorizedRandomSpec& spec) const {
    parts.fixed.push_back(
        std::make_unique<const FactorizedRandomScores>(tensors, config, spec, alpha));
  }
  void operator()(const MixtureSpec& mixture) const {
    const std::vector<float> a = tensors.Read("mixture.a");
    for (std::size_t m = 0; m < mixture.parts.size(); ++m) {
      std::visit(AddSource{kernels, tensors.Below("mixture").Below(Cat(m)), config,
                           PartWeights(a, mixture.parts.size(), m), parts},
                 mixture.parts[m]);
    }
  }
};

}  // namespace

std::vector<float> PartWeights(const std::vector<float>& a, std::size_t parts, std::size_t m) {
  std::vector<float> alpha;
  for (auto head = a.begin(); head != a.end(); head += static_cast<std::ptrdiff_t>(parts)) {
    const auto end = head + static_cast<std::ptrdiff_t>(parts);
    const float max = *std::max_element(head, end);
    float sum = 0;
    for (auto it = head; it != end; ++it) sum += std::exp(*it - max);
    alpha.push_back(std::exp(head[static_cast<std::ptrdiff_t>(m)] - max) / sum);
  }
  return alpha;
}

std::unique_ptr<const AttentionWeights> LoadAttentionWeights(const Kernels& kernels,
                                                             const TensorScope& tensors,
                                                             const ModelConfig& config,
                                                             const AttentionSpec& spec) {
  const auto heads = static_cast<std::size_t>(config.num_attention_heads);
  const Index length = config.max_position_embeddings;
  ScoreParts parts;
  std::visit(AddSource{kernels, tensors, config, std::vector<float>(heads, 1.0F), parts}, spec);
  if (parts.dynamic.empty()) {
    return std::make_unique<const StaticWeights>(kernels, StaticSum(std::move(parts.fixed)),
                                                 config.num_attention_heads, length);
  }
  return std::make_unique<const DynamicWeights>(kernels, StaticSum(std::move(parts.fixed)),
                                                config.num_attention_heads, length,
                                                std::move(parts.dynamic));
}

}  // namespace synth
