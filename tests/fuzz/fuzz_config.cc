#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/checkpoint/tensor_table.h"
#include "synth/config.h"
#include "tests/fuzz/fuzz_check.h"

int FuzzConfig(const std::uint8_t* data, std::size_t size);

int FuzzConfig(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = synth::ParseConfig(text);
  if (!config.ok()) {
    synth::FuzzCheck(!config.status().message().empty());
    return 0;
  }
  synth::FuzzCheck(config->attention.size() == static_cast<std::size_t>(config->num_hidden_layers));
  synth::FuzzCheck(config->head_size() * config->num_attention_heads == config->hidden_size);
  synth::FuzzCheck(config->layer_norm_eps > 0);
  for (const auto& spec : config->attention) synth::FuzzCheck(!synth::ToString(spec).empty());
  for (const synth::TensorSpec& tensor : synth::TensorTable(*config)) {
    synth::FuzzCheck(!tensor.shape.empty());
    for (const std::int64_t dimension : tensor.shape) synth::FuzzCheck(dimension > 0);
  }
  return 0;
}
