// Tensors in one file or in shards, and folders of symbolic links, as Hugging Face's cache has
// them.
#include "model/checkpoint/tensor_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "synth/model.h"
#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kFirst = "model-00001-of-00002.safetensors";
constexpr const char* kSecond = "model-00002-of-00002.safetensors";
constexpr const char* kNorm = "embeddings.LayerNorm.bias";

class ShardsTest : public testing::Test {
 protected:
  ShardsTest() {
    WriteFile(folder_.path() / "config.json", config_.dump());
    std::size_t i = 0;
    for (const auto& [name, tensor] : tensors_) {
      const bool first = i++ < tensors_.size() / 2;
      (first ? first_ : second_)[name] = tensor;
      index_["weight_map"][name] = first ? kFirst : kSecond;
    }
    Write();
  }

  void Write() const {
    WriteFile(folder_.path() / kFirst, SafetensorsBytes(first_));
    WriteFile(folder_.path() / kSecond, SafetensorsBytes(second_));
    WriteFile(folder_.path() / "model.safetensors.index.json", index_.dump());
  }
  absl::Status Load() const { return Model::Load(folder_.path()).status(); }
  std::string Error() const {
    Write();
    return std::string(Load().message());
  }

  const TempFolder folder_;
  const json config_ = TinyConfig({{"type", "dot_product"}});
  const TestTensors tensors_ = RandomTensors(config_, 1);
  TestTensors first_;
  TestTensors second_;
  json index_ = {{"metadata", {{"total_size", 1}}}};
};

TEST_F(ShardsTest, AreTheSameModelAsOneFile) {
  const TempFolder whole;
  WriteCheckpoint(whole.path(), config_, tensors_);
  const auto one = Model::Load(whole.path());
  const auto two = Model::Load(folder_.path());
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_TRUE(two.ok()) << two.status();
  const TestBatch batch = RandomBatch({5, 12}, 29, 1);
  const WorkspacePtr workspace = (*one)->MakeWorkspace();
  const WorkspacePtr other = (*two)->MakeWorkspace();
  EXPECT_THAT((*one)->Forward(batch.tokens(), *workspace),
              testing::ElementsAreArray((*two)->Forward(batch.tokens(), *other)));
}

TEST_F(ShardsTest, CountInTheDigest) {
  const auto model = Model::Load(folder_.path());
  ASSERT_TRUE(model.ok()) << model.status();
  const std::string command = "cd '" + folder_.path().string() + "' && sha256sum config.json " +
                              kFirst + " " + kSecond + " model.safetensors.index.json | sha256sum";
  std::FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 65> printed = {};
  ASSERT_NE(std::fgets(printed.data(), printed.size(), pipe), nullptr);
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ((*model)->info().digest, printed.data());
}

TEST_F(ShardsTest, OneFileWinsOverAnIndex) {
  WriteCheckpoint(folder_.path(), config_, tensors_);
  std::filesystem::remove(folder_.path() / kSecond);
  EXPECT_TRUE(Load().ok()) << Load();
}

TEST_F(ShardsTest, AMissingOneIsNotFound) {
  std::filesystem::remove(folder_.path() / kSecond);
  EXPECT_TRUE(absl::IsNotFound(Load())) << Load();
  EXPECT_THAT(std::string(Load().message()),
              AllOf(HasSubstr(kSecond), HasSubstr("missing, but model.safetensors.index.json")));
}

TEST_F(ShardsTest, ATensorThatIsElsewhere) {
  index_["weight_map"][kNorm] = kSecond;
  EXPECT_THAT(Error(), AllOf(HasSubstr(std::string(kFirst) + ": tensor \"" + kNorm),
                             HasSubstr(std::string("expected in \"") + kSecond)));
  index_["weight_map"].erase(kNorm);
  EXPECT_THAT(Error(), HasSubstr("expected in no file, as model.safetensors.index.json says"));
  index_["weight_map"][kNorm] = kFirst;
  second_[kNorm] = first_[kNorm];
  EXPECT_THAT(Error(), AllOf(HasSubstr(std::string(kSecond) + ": tensor"), HasSubstr(kFirst)));
  second_.erase(kNorm);
  first_.erase(kNorm);
  EXPECT_THAT(Error(), HasSubstr("expected here, as model.safetensors.index.json says, found not"));
}

TEST_F(ShardsTest, AnIndexThatLeavesTheFolderOrIsNone) {
  for (const char* path : {"../model.safetensors", "/etc/passwd", "..", "", "a/b"}) {
    index_["weight_map"][kNorm] = path;
    EXPECT_THAT(Error(), AllOf(HasSubstr("model.safetensors.index.json: weight_map.\"embeddings"),
                               HasSubstr("expected the name of a file in the folder")));
  }
  index_["weight_map"][kNorm] = 1;
  EXPECT_THAT(Error(), HasSubstr("expected the name of a file in the folder, found 1"));
  for (const json& map : {json(), json::array(), json::object(), json(3)}) {
    index_["weight_map"] = map;
    EXPECT_THAT(Error(), HasSubstr("weight_map: expected an object of tensors and the files"));
  }
  index_["weight_map"] = json::object();
  for (int i = 0; i < 257; ++i) index_["weight_map"][std::to_string(i)] = std::to_string(i);
  EXPECT_THAT(Error(), HasSubstr("weight_map: expected at most 256 files, found 257"));
  index_ = json::array();
  EXPECT_THAT(Error(), HasSubstr("index.json: expected a JSON object"));
}

TEST_F(ShardsTest, ADamagedOneIsNamed) {
  const std::string bytes = SafetensorsBytes(second_);
  WriteFile(folder_.path() / kSecond, bytes.substr(0, bytes.size() - 4));
  EXPECT_THAT(std::string(Load().message()), AllOf(HasSubstr(kSecond), HasSubstr("truncated?")));
  second_.begin()->second.shape.push_back(1);
  EXPECT_THAT(Error(), AllOf(HasSubstr(kSecond), HasSubstr("expected shape")));
}

// ~/.cache/huggingface/hub: a snapshot's files are links to blobs that are named by their hash.
TEST(SymbolicLinks, ASnapshotOfTheCacheIsRead) {
  const TempFolder cache;
  const std::filesystem::path blobs = cache.path() / "blobs";
  const std::filesystem::path snapshot = cache.path() / "snapshots" / "4ab1";
  std::filesystem::create_directory(blobs);
  std::filesystem::create_directories(snapshot);
  const json config = TinyConfig({{"type", "dense"}});
  WriteCheckpoint(blobs, config, RandomTensors(config, 1));
  for (const std::string name : {"config.json", "model.safetensors"}) {
    std::filesystem::rename(blobs / name, blobs / ("0f" + name));
    std::filesystem::create_symlink("../../blobs/0f" + name, snapshot / name);
  }
  const auto model = Model::Load(snapshot);
  EXPECT_TRUE(model.ok()) << model.status();
}

}  // namespace
}  // namespace synth
