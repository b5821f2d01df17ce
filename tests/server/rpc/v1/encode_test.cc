// What an Encode request asks for, beside its texts.
#include "server/rpc/v1/encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/model/test_checkpoint.h"
#include "tests/support/files.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

// A folder of sentence-transformers with two prompts.
class EncodeMethodTest : public testing::Test {
 protected:
  EncodeMethodTest() {
    WriteTinyBert(folder_.path());
    const auto write = [this](const char* name, const std::string& text) {
      WriteFile(folder_.path() / name, text);
    };
    write("modules.json",
          R"([{"type": "sentence_transformers.models.Transformer", "path": ""},
              {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}])");
    std::filesystem::create_directory(folder_.path() / "1_Pooling");
    write("1_Pooling/config.json",
          R"({"word_embedding_dimension": 6, "pooling_mode_mean_tokens": true})");
    write("config_sentence_transformers.json",
          R"({"prompts": {"query": "play ", "passage": "some "}, "default_prompt_name": "query"})");
    auto model = Model::Load(folder_.path());
    EXPECT_TRUE(model.ok()) << model.status();
    if (model.ok()) model_ = *std::move(model);
  }
  void SetUp() override { ASSERT_NE(model_, nullptr); }

  std::string Prompt(const v1::EncodeRequest& request) const {
    const auto options = EncodeMethod::MakeOptions(request, *model_);
    return options.ok() ? std::string(options->prompt) : std::string(options.status().message());
  }
  std::string Error(const v1::EncodeRequest& request) const {
    return std::string(EncodeMethod::MakeOptions(request, *model_).status().message());
  }

  const TempFolder folder_;
  std::unique_ptr<const Model> model_;
};

TEST_F(EncodeMethodTest, APromptIsTheDefaultTheNamedOneOrNone) {
  v1::EncodeRequest request;
  EXPECT_EQ(Prompt(request), "play ");
  request.set_prompt_name("passage");
  EXPECT_EQ(Prompt(request), "some ");
  request.set_prompt_name("");
  EXPECT_EQ(Prompt(request), "");
  request.set_prompt_name("document");
  EXPECT_EQ(Error(request), "prompt_name: expected \"passage\" or \"query\", found \"document\"");
  request.set_prompt_name(std::string(100'000, 'a'));
  EXPECT_LT(Error(request).size(), 500U);
}

TEST_F(EncodeMethodTest, DimensionsAreThoseThereAre) {
  v1::EncodeRequest request;
  for (const std::uint32_t dimensions : {1U, 6U}) {
    request.set_dimensions(dimensions);
    EXPECT_EQ(Error(request), "");
  }
  for (const std::uint32_t dimensions : {0U, 7U, 4'294'967'295U}) {
    request.set_dimensions(dimensions);
    EXPECT_THAT(Error(request), HasSubstr("dimensions: expected 1 to 6, found "));
  }
}

TEST_F(EncodeMethodTest, AnUnknownFormatIsRefused) {
  v1::EncodeRequest request;
  request.set_embedding_format(static_cast<v1::EmbeddingFormat>(9));
  EXPECT_THAT(Error(request), HasSubstr("embedding_format: the value 9"));
}

TEST_F(EncodeMethodTest, AVectorIsCutAndNormalizedThen) {
  v1::EncodeRequest request;
  request.set_dimensions(2);
  request.set_normalize(true);
  std::vector<float> vector = {3, 4, 12, 0, 0, 0};
  const absl::Status ok;
  const TextResult text = {.status = ok, .vector = vector, .token_ids = {}};
  v1::EncodeResult result;
  ASSERT_TRUE(EncodeMethod::Write(*model_, request, text, result).ok());
  ASSERT_EQ(result.embedding_size(), 2);
  EXPECT_FLOAT_EQ(result.embedding(0), 0.6F);
  EXPECT_FLOAT_EQ(result.embedding(1), 0.8F);
}

}  // namespace
}  // namespace synth::server
