#include <algorithm>
#include <string>
#include <variant>

#include "absl/strings/str_join.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

// Spec: SourceSpec or AttentionSpec.
template <typename Spec>
bool IsRandom(const Spec& spec) {
  return std::holds_alternative<RandomSpec>(spec) ||
         std::holds_alternative<FactorizedRandomSpec>(spec);
}

struct SpecName {
  std::string operator()(const DotProductSpec&) const { return "dot_product"; }
  std::string operator()(const DenseSpec&) const { return "dense"; }
  std::string operator()(const FactorizedDenseSpec&) const { return "factorized_dense"; }
  std::string operator()(const RandomSpec&) const { return "random"; }
  std::string operator()(const FactorizedRandomSpec&) const { return "factorized_random"; }
  std::string operator()(const MixtureSpec& mixture) const {
    const auto name = [](std::string* out, const SourceSpec& part) {
      *out += std::visit(SpecName(), part);
    };
    return Cat("mixture(", absl::StrJoin(mixture.parts, " + ", name), ")");
  }
};

}  // namespace

bool DependsOnInput(const SourceSpec& spec) { return !IsRandom(spec); }

bool DependsOnInput(const AttentionSpec& spec) {
  if (const auto* mixture = std::get_if<MixtureSpec>(&spec)) {
    return std::ranges::any_of(mixture->parts,
                               [](const SourceSpec& part) { return DependsOnInput(part); });
  }
  return !IsRandom(spec);
}

std::string ToString(const AttentionSpec& spec) { return std::visit(SpecName(), spec); }

}  // namespace synth
