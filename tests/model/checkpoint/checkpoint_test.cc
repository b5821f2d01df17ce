// Every kind of broken checkpoint is refused with words of its own.

#include "model/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "synth/model.h"
#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kValueWeight = "encoder.layer.1.attention.self.value.weight";

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override { Write(); }

  void Write() const { WriteCheckpoint(folder_.path(), config_, tensors_); }
  absl::Status Load() const { return Model::Load(folder_.path()).status(); }
  std::string Error() const { return std::string(Load().message()); }
  std::filesystem::path tensor_file() const { return folder_.path() / "model.safetensors"; }

  const TempFolder folder_;
  json config_ = TinyConfig({{"type", "dense"}});
  TestTensors tensors_ = RandomTensors(config_, 1);
};

TEST_F(CheckpointTest, AGoodOneLoads) { EXPECT_TRUE(Load().ok()) << Load(); }

TEST_F(CheckpointTest, MissingFilesAreNotFound) {
  EXPECT_TRUE(absl::IsNotFound(Model::Load(folder_.path() / "nowhere").status()));
  config_["tokenizer"] = {{"type", "sentencepiece"}, {"file", "t.model"}};
  Write();
  EXPECT_TRUE(absl::IsNotFound(Load()));
  EXPECT_THAT(Error(), HasSubstr("t.model"));
  std::filesystem::remove(tensor_file());
  EXPECT_TRUE(absl::IsNotFound(Load()));
  EXPECT_THAT(Error(), HasSubstr("model.safetensors"));
  std::filesystem::remove(folder_.path() / "config.json");
  EXPECT_TRUE(absl::IsNotFound(Load()));
  EXPECT_THAT(Error(), HasSubstr("config.json"));
}

TEST_F(CheckpointTest, AFolderInPlaceOfAFile) {
  std::filesystem::remove(tensor_file());
  std::filesystem::create_directory(tensor_file());
  EXPECT_THAT(Error(), HasSubstr("not a regular file"));
}

TEST_F(CheckpointTest, AConfigErrorNamesTheFile) {
  config_["pooling"] = "silly";
  WriteFile(folder_.path() / "config.json", config_.dump());
  EXPECT_THAT(Error(), AllOf(HasSubstr("config.json: pooling: expected"), HasSubstr("\"silly\"")));
  WriteFile(folder_.path() / "config.json", "");
  EXPECT_THAT(Error(), HasSubstr("config.json: expected JSON"));
}

TEST_F(CheckpointTest, EveryTruncationIsAnError) {
  const std::string whole = ReadFile(tensor_file());
  for (std::size_t size = 0; size < whole.size(); size += 64) {
    WriteFile(tensor_file(), std::string_view(whole).substr(0, size));
    EXPECT_TRUE(absl::IsInvalidArgument(Load())) << size;
    EXPECT_THAT(Error(), AllOf(HasSubstr("model.safetensors"), HasSubstr("truncated"))) << size;
  }
}

TEST_F(CheckpointTest, MissingTensor) {
  tensors_.erase(kValueWeight);
  Write();
  EXPECT_THAT(Error(), HasSubstr("model.safetensors: tensor \"" + std::string(kValueWeight) +
                                 "\": missing; expected shape [18, 18]"));
}

TEST_F(CheckpointTest, UnexpectedTensor) {
  tensors_["pooler.dense.bias"] = {{3}, {1, 2, 3}};
  Write();
  EXPECT_THAT(Error(), HasSubstr("tensor \"pooler.dense.bias\" [3] is unexpected"));
}

TEST_F(CheckpointTest, WrongShape) {
  tensors_[kValueWeight].shape = {9, 36};
  Write();
  EXPECT_THAT(Error(), HasSubstr("expected shape [18, 18], found [9, 36]"));
}

TEST_F(CheckpointTest, ConfigThatDoesNotFit) {
  config_["vocab_size"] = 30;
  Write();
  EXPECT_THAT(Error(),
              HasSubstr("word_embeddings.weight\": expected shape [30, 18], found [29, 18]"));
  config_ = TinyConfig({{"type", "dot_product"}});
  Write();
  EXPECT_THAT(Error(), HasSubstr("attention.self.query.weight\": missing"));
}

TEST_F(CheckpointTest, WrongDType) {
  std::string bytes = ReadFile(tensor_file());
  const std::size_t entry = bytes.find(kValueWeight);
  const std::size_t dtype = bytes.find("\"F32\"", entry);
  bytes.replace(dtype, 5, "\"I32\"");
  WriteFile(tensor_file(), bytes);
  EXPECT_THAT(Error(), HasSubstr("expected dtype F32, F16 or BF16, found I32"));
}

TEST_F(CheckpointTest, NotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    tensors_ = RandomTensors(config_, 1);
    tensors_[kValueWeight].values[17] = bad;
    Write();
    EXPECT_THAT(Error(), HasSubstr(std::string(kValueWeight) + "\": expected finite numbers, found "
                                                               "infinity or NaN at element 17"));
  }
}

TEST_F(CheckpointTest, DamagedHeader) {
  std::string bytes = ReadFile(tensor_file());
  bytes[8] = '!';
  WriteFile(tensor_file(), bytes);
  EXPECT_THAT(Error(), HasSubstr("model.safetensors: header: expected JSON"));
}

TEST_F(CheckpointTest, DamagedTokenizer) {
  config_["tokenizer"] = {{"type", "sentencepiece"}, {"file", "t.model"}};
  Write();
  WriteFile(folder_.path() / "t.model", "no protocol buffer");
  EXPECT_THAT(Error(), HasSubstr("t.model: expected a SentencePiece model"));
  WriteFile(folder_.path() / "t.model", "");
  EXPECT_THAT(Error(), HasSubstr("t.model: expected a SentencePiece model"));
}

TEST_F(CheckpointTest, TooMuchPrecomputedAttention) {
  config_ = TinyConfig({{"type", "factorized_random"}, {"k", 1}});
  config_["position_embedding_type"] = "none";
  config_["max_position_embeddings"] = 1 << 20;
  tensors_ = RandomTensors(config_, 1);
  Write();
  EXPECT_THAT(Error(),
              HasSubstr("config.json: max_position_embeddings: the precomputed attention"));
}

TEST_F(CheckpointTest, TheDigestIsOfTheFiles) {
  const auto checkpoint = Checkpoint::Open(folder_.path());
  ASSERT_TRUE(checkpoint.ok());
  const std::string digest = *checkpoint->ComputeDigest();
  EXPECT_EQ(digest.size(), 64U);
  WriteFile(folder_.path() / "config.json", config_.dump());  // other white space
  EXPECT_NE(*Checkpoint::Open(folder_.path())->ComputeDigest(), digest);
}

TEST_F(CheckpointTest, AFileThatShrinksWhileItIsReadIsAnError) {
  const auto checkpoint = Checkpoint::Open(folder_.path());
  ASSERT_TRUE(checkpoint.ok());
  const std::size_t values = checkpoint->Read(kValueWeight).size();
  EXPECT_TRUE(checkpoint->status().ok()) << checkpoint->status();
  std::filesystem::resize_file(tensor_file(), 4096);
  EXPECT_EQ(checkpoint->Read(kValueWeight).size(), values);
  for (const absl::Status& status : {checkpoint->status(), checkpoint->ComputeDigest().status()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(tensor_file().string() + ": the file was shortened while it was"),
                      HasSubstr("found 4096")));
  }
}

TEST_F(CheckpointTest, AFileThatChangesWhileItIsReadIsAnError) {
  const auto checkpoint = Checkpoint::Open(folder_.path());
  ASSERT_TRUE(checkpoint.ok());
  std::filesystem::last_write_time(
      tensor_file(), std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_THAT(std::string(checkpoint->status().message()),
              HasSubstr("model.safetensors: somebody wrote to the file while it was read"));
}

TEST_F(CheckpointTest, AFileThatIsReplacedWhileItIsReadStaysTheOldOne) {
  const auto checkpoint = Checkpoint::Open(folder_.path());
  ASSERT_TRUE(checkpoint.ok());
  WriteFile(folder_.path() / "new", "");
  std::filesystem::rename(folder_.path() / "new", tensor_file());
  EXPECT_EQ(checkpoint->Read(kValueWeight), tensors_.at(kValueWeight).values);
  EXPECT_TRUE(checkpoint->status().ok()) << checkpoint->status();
}

TEST_F(CheckpointTest, AGitLfsPointerIsNamed) {
  constexpr const char* kPointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
  config_["tokenizer"] = {{"type", "sentencepiece"}, {"file", "t.model"}};
  Write();
  for (const char* const name : {"t.model", "model.safetensors", "config.json"}) {
    WriteFile(folder_.path() / name, kPointer);
    EXPECT_TRUE(absl::IsInvalidArgument(Load())) << name;
    EXPECT_THAT(Error(), HasSubstr(std::string(name) + ": expected the file itself, found a Git "
                                                       "LFS pointer"));
  }
}

TEST_F(CheckpointTest, AByteOrderMarkInTheConfigIsSkipped) {
  const std::string text = config_.dump();
  WriteFile(folder_.path() / "config.json", "\xEF\xBB\xBF" + text);
  const auto model = Model::Load(folder_.path());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->config_json(), text);
}

TEST_F(CheckpointTest, OtherFormsOfTensorFilesAreNamed) {
  std::filesystem::remove(tensor_file());
  WriteFile(folder_.path() / "pytorch_model.bin", "PK");
  EXPECT_TRUE(absl::IsNotFound(Load()));
  EXPECT_THAT(Error(), HasSubstr("model.safetensors: expected the tensors in this file, found "
                                 "pytorch_model.bin, which must be converted"));
  std::filesystem::rename(folder_.path() / "pytorch_model.bin",
                          folder_.path() / "pytorch_model.bin.index.json");
  EXPECT_THAT(Error(), HasSubstr("pytorch_model.bin.index.json, which must be converted"));
}

}  // namespace
}  // namespace synth
