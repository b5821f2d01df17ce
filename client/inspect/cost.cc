#include "client/inspect/cost.h"

#include <variant>

#include "absl/strings/str_cat.h"

namespace synth::inspect {
namespace {

// The config's name of a source, and what tells two of its kind apart.
struct NameOf {
  std::string operator()(const MixtureSpec& mixture) const {
    std::string names;
    for (const SourceSpec& part : mixture.parts) {
      absl::StrAppend(&names, names.empty() ? "" : " + ", std::visit(*this, part));
    }
    return absl::StrCat("mixture(", names, ")");
  }
  std::string operator()(const auto& source) const {
    return absl::StrCat(ToString(AttentionSpec(source)), Detail(source));
  }

 private:
  static std::string Detail(const auto& /*source*/) { return ""; }
  static std::string Detail(const FactorizedDenseSpec& spec) {
    return absl::StrCat("(a=", spec.a, ", b=", spec.b, ")");
  }
  static std::string Detail(const RandomSpec& spec) { return spec.trainable ? "" : "(fixed)"; }
  static std::string Detail(const FactorizedRandomSpec& spec) {
    return absl::StrCat("(k=", spec.k, ")");
  }
};

// The sizes in the letters of the formulas.
// NOLINTBEGIN(readability-identifier-naming)
struct Letters {
  explicit Letters(const ModelConfig& config)
      : D(config.hidden_size),
        H(config.num_attention_heads),
        F(config.intermediate_size),
        L(config.max_position_embeddings) {}

  const std::int64_t D, H, F, L;
};
// NOLINTEND(readability-identifier-naming)

struct ParametersOf : Letters {
  using Letters::Letters;

  ScoreParameters operator()(const DotProductSpec&) const {
    return {"2D² + 2D", 2 * D * D + 2 * D};
  }
  ScoreParameters operator()(const DenseSpec&) const {
    return {"D² + D + D·L + H·L", D * D + D + D * L + H * L};
  }
  ScoreParameters operator()(const FactorizedDenseSpec& spec) const {
    return {"D² + D + D(a + b)", D * D + D + D * (std::int64_t{spec.a} + spec.b)};
  }
  ScoreParameters operator()(const RandomSpec&) const { return {"H·L²", H * L * L}; }
  ScoreParameters operator()(const FactorizedRandomSpec& spec) const {
    return {"2·H·L·k", 2 * H * L * spec.k};
  }
  ScoreParameters operator()(const MixtureSpec& mixture) const {
    ScoreParameters sum;
    for (const SourceSpec& spec : mixture.parts) {
      const ScoreParameters part = std::visit(*this, spec);
      absl::StrAppend(&sum.formula, "(", part.formula, ") + ");
      sum.count += part.count;
    }
    sum.formula += "H·M";
    sum.count += H * static_cast<std::int64_t>(mixture.parts.size());
    return sum;
  }
};

struct ScoreCostOf : Letters {
  ScoreCostOf(const ModelConfig& config, int tokens) : Letters(config), n(tokens) {}

  std::int64_t operator()(const DotProductSpec&) const { return 2 * D * D + n * D; }
  std::int64_t operator()(const DenseSpec&) const { return D * D + n * D; }
  std::int64_t operator()(const FactorizedDenseSpec& spec) const {
    return D * D + D * (std::int64_t{spec.a} + spec.b) + n * H;
  }
  std::int64_t operator()(const RandomSpec&) const { return 0; }
  std::int64_t operator()(const FactorizedRandomSpec&) const { return 0; }
  std::int64_t operator()(const MixtureSpec& mixture) const {
    std::int64_t sum = 0;
    for (const SourceSpec& part : mixture.parts) sum += std::visit(*this, part);
    return sum;
  }

  const std::int64_t n;
};

}  // namespace

std::string SourceName(const AttentionSpec& spec) { return std::visit(NameOf(), spec); }

ScoreParameters CountScoreParameters(const AttentionSpec& spec, const ModelConfig& config) {
  return std::visit(ParametersOf(config), spec);
}

Cost CountMultiplyAdds(const AttentionSpec& spec, const ModelConfig& config, int tokens) {
  const Letters letters(config);
  const std::int64_t square = letters.D * letters.D;
  return {.value_output = 2 * square,
          .scores = std::visit(ScoreCostOf(config, tokens), spec),
          .mix = tokens * letters.D,
          .feed_forward = 2 * letters.D * letters.F};
}

}  // namespace synth::inspect
