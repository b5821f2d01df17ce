#include "tests/model/test_checkpoint.h"

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint/tensor_table.h"
#include "synth/config.h"

namespace synth {

using nlohmann::json;

std::string SafetensorsBytes(std::string_view header, std::string_view data) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes.append(header).append(data);
}

std::string SafetensorsBytes(const TestTensors& tensors) {
  json header = json::object();
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.values.data()),
                tensor.values.size() * sizeof(float));
    header[name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  return SafetensorsBytes(header.dump(), data);
}

json TinyConfig(const json& attention) {
  return {{"model_type", "synthesizer"},   {"vocab_size", 29},         {"hidden_size", 18},
          {"num_hidden_layers", 2},        {"num_attention_heads", 3}, {"intermediate_size", 20},
          {"max_position_embeddings", 12}, {"hidden_act", "gelu"},     {"attention", attention}};
}

std::vector<json> AllAttentionSpecs() {
  const json dot = {{"type", "dot_product"}};
  const json dense = {{"type", "dense"}};
  const json factorized_dense = {{"type", "factorized_dense"}, {"factors", {4, 3}}};
  const json random = {{"type", "random"}, {"trainable", true}};
  const json factorized_random = {{"type", "factorized_random"}, {"k", 2}};
  const auto mixture = [](const std::vector<json>& parts) {
    return json{{"type", "mixture"}, {"parts", parts}};
  };
  return {dot,
          dense,
          factorized_dense,
          random,
          factorized_random,
          mixture({random, factorized_random}),
          mixture({factorized_random, dot}),
          mixture({dense, dot, factorized_dense}),
          mixture({random, dense, factorized_random, factorized_dense})};
}

TestTensors RandomTensors(const json& config, unsigned seed) {
  const ModelConfig parsed = *ParseConfig(config.dump());
  std::mt19937 generator(seed);
  TestTensors tensors;
  for (const TensorSpec& spec : TensorTable(parsed)) {
    std::size_t size = 1;
    for (const std::int64_t dimension : spec.shape) size *= static_cast<std::size_t>(dimension);
    const bool norm = spec.name.find("LayerNorm.weight") != std::string::npos;
    const bool matrix = spec.shape.size() > 1;
    // A product of a [.., fan_in] matrix with a normal vector is then about normal again.
    const float deviation = matrix && spec.role != TensorRole::kEmbedding
                                ? 1.5F / std::sqrt(static_cast<float>(spec.shape.back()))
                                : 0.5F;
    std::normal_distribution<float> normal(norm ? 1.0F : 0.0F, norm ? 0.2F : deviation);
    TestTensor tensor{spec.shape, std::vector<float>(size)};
    for (float& value : tensor.values) value = normal(generator);
    tensors[spec.name] = std::move(tensor);
  }
  return tensors;
}

void WriteCheckpoint(const std::filesystem::path& folder, const json& config,
                     const TestTensors& tensors) {
  WriteFile(folder / "config.json", config.dump(2));
  WriteFile(folder / "model.safetensors", SafetensorsBytes(tensors));
}

void WriteTinyBert(const std::filesystem::path& folder) {
  const json config = {{"model_type", "bert"},   {"architectures", {"BertModel"}},
                       {"vocab_size", 8},        {"hidden_size", 6},
                       {"num_hidden_layers", 1}, {"num_attention_heads", 2},
                       {"intermediate_size", 8}, {"max_position_embeddings", 16}};
  WriteCheckpoint(folder, config, RandomTensors(config, 1));
  WriteFile(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nplay\nsome\njazz\n##y\n");
}

void TestBatch::Add(const std::vector<std::int32_t>& text) {
  token_ids.insert(token_ids.end(), text.begin(), text.end());
  offsets.push_back(static_cast<std::int32_t>(token_ids.size()));
}

TestBatch RandomBatch(const std::vector<int>& lengths, int vocab_size, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<std::int32_t> token(0, vocab_size - 1);
  TestBatch batch;
  for (const int length : lengths) {
    std::vector<std::int32_t> text(static_cast<std::size_t>(length));
    for (std::int32_t& id : text) id = token(generator);
    batch.Add(text);
  }
  return batch;
}

}  // namespace synth
