// The engine against the documentation written down in double precision (naive_encoder.h), over
// sizes that fit no tile and every attention spec.

#include "model/layers/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "synth/model.h"
#include "synth/precision.h"
#include "tests/model/kernel_variants.h"
#include "tests/model/naive_encoder.h"
#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using nlohmann::json;

// tolerance: of the hidden states, which are about 1.
void ExpectNaive(const json& config, const TestBatch& batch, Precision precision = Precision::kF32,
                 double tolerance = 1e-4) {
  const TempFolder folder;
  const TestTensors tensors = RandomTensors(config, 7);
  WriteCheckpoint(folder.path(), config, tensors);
  const auto model = Model::Load(folder.path(), {.precision = precision});
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_TRUE((*model)->Validate(batch.tokens()).ok());
  const WorkspacePtr workspace = (*model)->MakeWorkspace();
  const auto hidden = (*model)->Forward(batch.tokens(), *workspace);
  std::size_t at = 0;
  for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
    const auto begin = static_cast<std::size_t>(batch.offsets[b]);
    const auto end = static_cast<std::size_t>(batch.offsets[b + 1]);
    const auto expected = NaiveForward((*model)->config(), tensors,
                                       std::span(batch.token_ids).subspan(begin, end - begin));
    for (const double value : expected) {
      ASSERT_NEAR(static_cast<double>(hidden[at]), value, tolerance) << "text " << b;
      ++at;
    }
  }
  EXPECT_EQ(at, hidden.size());
}

class EncoderTest : public testing::TestWithParam<json> {};

TEST_P(EncoderTest, PostNorm) {
  ExpectNaive(TinyConfig(GetParam()), RandomBatch({1, 12, 5, 2, 7}, 29, 1));
}

TEST_P(EncoderTest, PreNormWithTypesAndOtherActivations) {
  json config = TinyConfig(GetParam());
  config["norm_position"] = "pre";
  config["type_vocab_size"] = 2;
  config["hidden_act"] = "gelu_new";
  config["layer_norm_eps"] = 1e-5;
  ExpectNaive(config, RandomBatch({3, 11}, 29, 2));
  config["hidden_act"] = "relu";
  config["position_embedding_type"] = "none";
  ExpectNaive(config, RandomBatch({12, 1}, 29, 3));
  config["hidden_act"] = "silu";
  ExpectNaive(config, RandomBatch({5, 2}, 29, 4));
}

TEST_P(EncoderTest, WiderThanATile) {
  json config = TinyConfig(GetParam());
  config["hidden_size"] = 140;
  config["num_attention_heads"] = 2;  // 70 columns to a head
  config["intermediate_size"] = 133;
  ExpectNaive(config, RandomBatch({12, 9, 12, 12, 1}, 29, 4));
}

INSTANTIATE_TEST_SUITE_P(AllSpecs, EncoderTest, testing::ValuesIn(AllAttentionSpecs()),
                         [](const auto& param) {
                           return param.param.at("type").template get<std::string>() +
                                  std::to_string(param.index);
                         });

TEST(Encoder, EveryInstructionSetAndPrecision) {
  for (const KernelVariant& variant : KernelVariants()) {
    SCOPED_TRACE(variant.name());
    const IsaInUse isa(variant.isa);
    const double tolerance = variant.precision == Precision::kF32    ? 1e-4
                             : variant.precision == Precision::kBf16 ? 0.06
                                                                     : 0.2;
    for (const json& spec : AllAttentionSpecs()) {
      ExpectNaive(TinyConfig(spec), RandomBatch({12, 5, 1}, 29, 5), variant.precision, tolerance);
    }
  }
}

}  // namespace
}  // namespace synth
