#ifndef SYNTH_TESTS_MODEL_TEST_CHECKPOINT_H_
#define SYNTH_TESTS_MODEL_TEST_CHECKPOINT_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint/safetensors.h"
#include "synth/config.h"
#include "synth/model.h"
#include "tests/support/files.h"

namespace synth {

struct TestTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using TestTensors = std::map<std::string, TestTensor>;

// The bytes of a safetensors file with this header and data behind it.
std::string SafetensorsBytes(std::string_view header, std::string_view data);
// The same for F32 tensors, one behind the other.
std::string SafetensorsBytes(const TestTensors& tensors);

// A small config without classifier and tokenizer: V 29, D 18, H 3, N 2, F 20, L 12.
nlohmann::json TinyConfig(const nlohmann::json& attention);

// Every attention spec worth a test, for L = 12.
std::vector<nlohmann::json> AllAttentionSpecs();

// Every tensor of the config's table, drawn so that each matters.
TestTensors RandomTensors(const nlohmann::json& config, unsigned seed);

// Writes config.json and model.safetensors.
void WriteCheckpoint(const std::filesystem::path& folder, const nlohmann::json& config,
                     const TestTensors& tensors);

// Writes a BERT of 8 pieces as Hugging Face keeps one, with its vocab.txt: D 6, H 2, N 1, L 16.
void WriteTinyBert(const std::filesystem::path& folder);

// Texts of the given lengths with random tokens.
struct TestBatch {
  std::vector<std::int32_t> token_ids;
  std::vector<std::int32_t> offsets = {0};

  void Add(const std::vector<std::int32_t>& text);
  PackedTokens tokens() const { return {token_ids, offsets}; }
};
TestBatch RandomBatch(const std::vector<int>& lengths, int vocab_size, unsigned seed);

}  // namespace synth

#endif  // SYNTH_TESTS_MODEL_TEST_CHECKPOINT_H_
