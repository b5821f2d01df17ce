// What a served model takes: little beyond its weights and its attention, and never both the file
// and the weights.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/process.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth::server {
namespace {

constexpr double kMegabyte = 1e6;
constexpr double kBeside = 50 * kMegabyte;  // the program, its threads, gRPC, the allocator

// A line of /proc/PID/status such as "VmRSS:  1234 kB", in bytes.
double MemoryOf(pid_t pid, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word) {
    double kibibytes = 0;
    if (word == key + ":" && status >> kibibytes) return kibibytes * 1024;
  }
  ADD_FAILURE() << "no " << key;
  return 0;
}

// Hidden 256, 4 layers, and a vocabulary that makes the weights large beside everything else.
nlohmann::json LargeConfig() {
  nlohmann::json config = TinyConfig({{"type", "factorized_random"}, {"k", 8}});
  config["vocab_size"] = 60'000;
  config["hidden_size"] = 256;
  config["num_attention_heads"] = 4;
  config["num_hidden_layers"] = 4;
  config["intermediate_size"] = 1024;
  config["max_position_embeddings"] = 512;
  config["tokenizer"] = {{"type", "sentencepiece"}, {"file", "tokenizer.model"}};
  return config;
}

TEST(MemoryTest, WeightsAreHeldOnceAndTheFileNeverBesideThem) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory hides the program's";
#endif
  const TempFolder folder;
  const nlohmann::json config = LargeConfig();
  WriteCheckpoint(folder.path(), config, RandomTensors(config, 1));
  std::filesystem::copy(paths::SourcePath("tests/golden/tokenized/tokenizer.model"), folder.path());
  Process process({paths::SynthserveBinary(), "--model", "large=" + folder.path().string(),
                   "--listen", "127.0.0.1:0", "--metrics-listen", "", "--log-format", "json"});

  const nlohmann::json loaded = nlohmann::json::parse(process.ReadLineWith("model_loaded"));
  ASSERT_FALSE(process.ReadLineWith("\"serving\"").empty());
  const double weights = loaded.at("weight_bytes");
  const double attention = loaded.at("attention_bytes");
  ASSERT_GT(weights, kBeside) << "too small to tell one copy from two";
  EXPECT_LE(MemoryOf(process.pid(), "VmRSS"), weights + attention + kBeside);
  EXPECT_LE(MemoryOf(process.pid(), "VmHWM"), weights + attention + kBeside);

  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0);
}

}  // namespace
}  // namespace synth::server
