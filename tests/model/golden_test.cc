// Every checkpoint of tests/golden, written by train/golden.py, gives what PyTorch computed, with
// the kernels of every instruction set that this machine has.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/safetensors.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/layers/encoder.h"
#include "model/work_split.h"
#include "model/workspace.h"
#include "synth/model.h"
#include "synth/precision.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth {
namespace {

namespace fs = std::filesystem;

// Of the largest activation of a tensor.
constexpr float kTolerance = 1e-5F;

const fs::path kGolden = paths::SourcePath("tests/golden");

std::vector<std::string> GoldenNames() {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(kGolden, none)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> IsaNames() {
  std::vector<std::string> names;
  for (const IsaKernels* isa : SupportedIsas()) names.emplace_back(isa->name);
  return names;
}

TEST(GoldenFolder, HoldsTheCheckpoints) { EXPECT_GE(GoldenNames().size(), 15U); }

class GoldenTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override {
    const auto& [name, isa] = GetParam();
    folder_ = kGolden / name;
    ASSERT_EQ(setenv("SYNTH_ISA", isa.c_str(), 1), 0);
    file_ = ReadFile(folder_ / "golden.safetensors");
    auto tensors = ParseSafetensors(file_);
    ASSERT_TRUE(tensors.ok()) << tensors.status();
    tensors_ = *std::move(tensors);
    token_ids_ = Integers("token_ids");
    offsets_ = Integers("offsets");
    if (tensors_.contains("first_segments")) first_segments_ = Integers("first_segments");
  }
  void TearDown() override { unsetenv("SYNTH_ISA"); }

  std::vector<std::int32_t> Integers(const std::string& name) const {
    const TensorView& tensor = tensors_.at(name);
    EXPECT_EQ(tensor.dtype, DType::kI32);
    std::vector<std::int32_t> values(tensor.elements());
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
  }
  PackedTokens tokens() const { return {token_ids_, offsets_, first_segments_}; }

  void ExpectGolden(const std::string& name, std::span<const float> values) const {
    SCOPED_TRACE(name);
    ASSERT_TRUE(tensors_.contains(name));
    const std::vector<float> expected = ToFloats(tensors_.at(name));
    ASSERT_EQ(values.size(), expected.size());
    float largest = 0;
    for (const float value : expected) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(values[i], expected[i], kTolerance * largest) << "at " << i;
    }
  }

  fs::path folder_;
  std::string file_;
  TensorMap tensors_;
  std::vector<std::int32_t> token_ids_;
  std::vector<std::int32_t> offsets_;
  std::vector<std::int32_t> first_segments_;
};

TEST_P(GoldenTest, EveryStepOfTheEncoder) {
  const auto checkpoint = Checkpoint::Open(folder_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const Encoder encoder(*SelectKernels(Precision::kF32), *checkpoint);
  Workspace workspace;
  const Index size = checkpoint->config().hidden_size;
  std::vector<float> values(token_ids_.size() * static_cast<std::size_t>(size));
  const Matrix x = {values.data(), tokens().tokens(), size, size};
  encoder.embedding().Forward(tokens(), x);
  ExpectGolden("embeddings", values);
  for (std::size_t i = 0; i < encoder.layers().size(); ++i) {
    WorkSplit split(workspace, nullptr, x.rows);
    encoder.layers()[i]->Forward(offsets_, workspace, split, x);
    ExpectGolden("layer_" + std::to_string(i), values);
  }
}

TEST_P(GoldenTest, TheWholeModel) {
  const auto model = Model::Load(folder_);
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_TRUE((*model)->Validate(tokens()).ok());
  const WorkspacePtr workspace = (*model)->MakeWorkspace();
  const std::span<const float> hidden = (*model)->Forward(tokens(), *workspace);
  ExpectGolden("hidden", hidden);

  const auto size = static_cast<std::size_t>((*model)->config().hidden_size);
  const auto texts = static_cast<std::size_t>(tokens().texts());
  const auto pool = [&](Pooling pooling) {
    std::vector<float> pooled(texts * size);
    for (std::size_t b = 0; b < texts; ++b) {
      const auto begin = static_cast<std::size_t>(offsets_[b]);
      const auto end = static_cast<std::size_t>(offsets_[b + 1]);
      (*model)->Pool(hidden.subspan(begin * size, (end - begin) * size), pooling,
                     std::span(pooled).subspan(b * size, size));
    }
    return pooled;
  };
  ExpectGolden("pooled_mean", pool(Pooling::kMean));
  ExpectGolden("pooled_cls", pool(Pooling::kCls));
  ExpectGolden("pooled_max", pool(Pooling::kMax));
  if (!(*model)->config().classifier) return;
  const std::vector<float> pooled = pool((*model)->config().pooling);
  const std::size_t classes = (*model)->config().classifier->labels.size();
  std::vector<float> logits(texts * classes);
  for (std::size_t b = 0; b < texts; ++b) {
    (*model)->Classify(std::span(pooled).subspan(b * size, size),
                       std::span(logits).subspan(b * classes, classes));
  }
  ExpectGolden("logits", logits);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest,
                         testing::Combine(testing::ValuesIn(GoldenNames()),
                                          testing::ValuesIn(IsaNames())),
                         [](const auto& param) {
                           return std::get<0>(param.param) + "_" + std::get<1>(param.param);
                         });

TEST(GoldenTokenizer, GivesTheReferencesIds) {
  const fs::path folder = kGolden / "tokenized";
  const auto model = Model::Load(folder);
  ASSERT_TRUE(model.ok()) << model.status();
  const Tokenizer* const tokenizer = (*model)->tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  const auto texts = nlohmann::json::parse(ReadFile(folder / "texts.json"));
  ASSERT_FALSE(texts.empty());
  for (const auto& entry : texts) {
    const auto text = entry.at("text").get<std::string>();
    const auto ids = tokenizer->Encode(text);
    ASSERT_TRUE(ids.ok()) << ids.status();
    EXPECT_EQ(*ids, entry.at("ids").get<std::vector<std::int32_t>>()) << text;
  }
}

}  // namespace
}  // namespace synth
