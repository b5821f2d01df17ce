#include "model/checkpoint/layouts/layout.h"

#include <array>
#include <cassert>

#include "absl/status/statusor.h"
#include "model/checkpoint/json_object.h"
#include "synth/config.h"

namespace synth {
namespace {

constexpr std::array kLayouts = {Choice<const Layout*>{"synthesizer", &kSynthesizerLayout},
                                 Choice<const Layout*>{"bert", &kBertLayout},
                                 Choice<const Layout*>{"distilbert", &kDistilbertLayout},
                                 Choice<const Layout*>{"roberta", &kRobertaLayout},
                                 Choice<const Layout*>{"xlm-roberta", &kXlmRobertaLayout}};

}  // namespace

absl::StatusOr<const Layout*> FindLayout(const JsonObject& file) {
  return ReadChoice(file, "model_type", kLayouts);
}

const Layout& LayoutOf(const ModelConfig& config) {
  for (const auto& choice : kLayouts) {
    if (choice.name == config.model_type) return *choice.value;
  }
  assert(false && "a config that no layout has read");
  return kSynthesizerLayout;
}

}  // namespace synth
