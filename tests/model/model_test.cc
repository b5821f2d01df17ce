#include "synth/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <latch>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "model/kernels/select.h"
#include "synth/postprocess.h"
#include "synth/precision.h"
#include "tests/model/kernel_variants.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// One layer for each attention spec, wide enough for whole tiles and their edges.
json HybridConfig() {
  json config = TinyConfig(AllAttentionSpecs());
  config["num_hidden_layers"] = AllAttentionSpecs().size();
  config["hidden_size"] = 72;
  config["intermediate_size"] = 80;
  config["problem_type"] = "single_label_classification";
  config["id2label"] = {{"0", "a"}, {"1", "b"}, {"2", "c"}};
  return config;
}

std::unique_ptr<const Model> LoadModel(const json& config, unsigned seed = 1,
                                       Precision precision = Precision::kF32) {
  const TempFolder folder;
  WriteCheckpoint(folder.path(), config, RandomTensors(config, seed));
  auto model = Model::Load(folder.path(), {.precision = precision});
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

// What stands at the head of synth/model.h.
TEST(Model, ClassifiesAText) {
  const auto loaded = Model::Load(paths::SourcePath("models/intent-clinc150"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const Model& model = **loaded;
  const WorkspacePtr workspace = model.MakeWorkspace();
  EXPECT_EQ(model.max_text_tokens(), 64);

  auto ids = model.tokenizer()->Encode("play some jazz");
  ASSERT_TRUE(ids.ok()) << ids.status();
  model.tokenizer()->Truncate(*ids, model.max_text_tokens());
  const std::vector<std::int32_t> offsets = {0, static_cast<std::int32_t>(ids->size())};

  const std::span<const float> hidden = model.Forward({*ids, offsets}, *workspace);
  std::vector<float> pooled(static_cast<std::size_t>(model.config().hidden_size));
  model.Pool(hidden, model.config().pooling, pooled);
  std::vector<float> scores(model.config().classifier->labels.size());
  model.Classify(pooled, scores);
  LogitsToProbabilities(model.config().classifier->problem_type, scores);
  const auto best = static_cast<std::size_t>(TopK(scores, 1).front());
  EXPECT_EQ(model.config().classifier->labels[best], "play_music");
  EXPECT_GT(scores[best], 0.9F);
}

std::vector<float> Hidden(const Model& model, const TestBatch& batch) {
  const WorkspacePtr workspace = model.MakeWorkspace();
  const auto hidden = model.Forward(batch.tokens(), *workspace);
  return {hidden.begin(), hidden.end()};
}

std::vector<std::vector<std::int32_t>> RandomTexts(int count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> length(1, 12);
  std::vector<int> lengths;
  lengths.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) lengths.push_back(length(generator));
  const TestBatch all = RandomBatch(lengths, 29, seed);
  std::vector<std::vector<std::int32_t>> texts;
  for (std::size_t b = 0; b + 1 < all.offsets.size(); ++b) {
    texts.emplace_back(all.token_ids.begin() + all.offsets[b],
                       all.token_ids.begin() + all.offsets[b + 1]);
  }
  return texts;
}

// As many threads as wished, newly started for every piece of work.
class ThreadHelpers final : public Helpers {
 public:
  explicit ThreadHelpers(int threads) : threads_(threads) {}
  int max_threads() const override { return threads_; }
  int threads() const override { return threads_; }
  void Run(int count, absl::FunctionRef<void(int, int)> part) override {
    if (count == 1) return part(0, 0);
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) threads.emplace_back([part, i] { part(i, i); });
    ++runs_;
  }
  int runs() const { return runs_; }

 private:
  const int threads_;
  int runs_ = 0;
};

TEST(Model, ATextsResultIsTheSameInEveryBatch) {
  for (const KernelVariant& variant : KernelVariants()) {
    SCOPED_TRACE(variant.name());
    const IsaInUse isa(variant.isa);
    const auto model = LoadModel(HybridConfig(), 1, variant.precision);
    const auto texts = RandomTexts(40, 2);
    std::vector<std::vector<float>> alone;
    alone.reserve(texts.size());
    for (const auto& text : texts) {
      TestBatch batch;
      batch.Add(text);
      alone.push_back(Hidden(*model, batch));
    }
    const WorkspacePtr workspace = model->MakeWorkspace();
    std::mt19937 generator(3);
    std::vector<std::size_t> order(texts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (int round = 0; round < 50; ++round) {
      std::shuffle(order.begin(), order.end(), generator);
      const std::size_t count = 1 + generator() % texts.size();
      TestBatch batch;
      for (std::size_t i = 0; i < count; ++i) batch.Add(texts[order[i]]);
      ThreadHelpers helpers(1 + round % 4);
      const auto hidden = model->Forward(batch.tokens(), *workspace, &helpers);
      EXPECT_EQ(helpers.runs() > 0, round % 4 > 0 && batch.tokens().tokens() >= 48);
      auto at = hidden.begin();
      for (std::size_t i = 0; i < count; ++i) {
        const auto& expected = alone[order[i]];
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), at)) << "round " << round;
        at += static_cast<std::ptrdiff_t>(expected.size());
      }
    }
  }
}

// Of a fresh model, so that they meet where what belongs to a class of lengths is first made.
TEST(Model, ManyThreadsShareOne) {
  json config = HybridConfig();
  const json factorized_random = {{"type", "factorized_random"}, {"k", 2}};
  config["attention"] = {
      factorized_random,
      {{"type", "mixture"}, {"parts", {factorized_random, {{"type", "dot_product"}}}}}};
  config["num_hidden_layers"] = 2;
  config["max_position_embeddings"] = 150;
  std::vector<TestBatch> batches;  // in all classes of lengths: 32, 64, 128, 150
  for (const int length : {150, 20, 33, 128, 70, 140, 1, 64}) {
    batches.push_back(RandomBatch({length}, 29, static_cast<unsigned>(length)));
  }
  std::vector<std::vector<float>> expected(batches.size());
  const auto other = LoadModel(config);
  for (std::size_t b = batches.size(); b-- > 0;) expected[b] = Hidden(*other, batches[b]);

  const auto model = LoadModel(config);
  constexpr std::size_t kThreads = 8;
  std::vector<std::size_t> equal(kThreads);
  std::latch start(kThreads);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        const WorkspacePtr workspace = model->MakeWorkspace();
        start.arrive_and_wait();
        for (std::size_t i = 0; i < batches.size(); ++i) {
          const std::size_t b = (t / 2 + i) % batches.size();  // two threads at a time in each
          const auto hidden = model->Forward(batches[b].tokens(), *workspace);
          equal[t] += std::ranges::equal(expected[b], hidden) ? 1U : 0U;
        }
      });
    }
  }
  EXPECT_EQ(equal, std::vector<std::size_t>(kThreads, batches.size()));
}

TEST(Model, Validate) {
  const auto model = LoadModel(TinyConfig({{"type", "dense"}}));
  const auto check = [&model](const std::vector<std::int32_t>& ids,
                              const std::vector<std::int32_t>& offsets) {
    return model->Validate({ids, offsets});
  };
  const std::vector<std::int32_t> three = {1, 2, 3};
  EXPECT_TRUE(check(three, {0, 1, 3}).ok());
  for (const auto& offsets : std::vector<std::vector<std::int32_t>>{
           {}, {0}, {0, 2}, {1, 3}, {0, 4}, {0, 0, 3}, {0, 2, 1, 3}, {0, -1, 3}, {0, 5, 3}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(check(three, offsets)));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(check({}, {0, 0})));
  const auto bad_id = check({1, 29, 3}, {0, 3});
  EXPECT_TRUE(absl::IsInvalidArgument(bad_id));
  EXPECT_THAT(std::string(bad_id.message()), HasSubstr("ids from 0 to 28, found 29 at 1"));
  EXPECT_TRUE(absl::IsInvalidArgument(check({-1}, {0, 1})));
  EXPECT_TRUE(check(std::vector<std::int32_t>(12), {0, 12}).ok());
  const auto too_long = check(std::vector<std::int32_t>(14), {0, 1, 14});
  EXPECT_TRUE(absl::IsOutOfRange(too_long));
  EXPECT_THAT(std::string(too_long.message()), HasSubstr("text 1 has 13 tokens, more than the"));
}

TEST(Model, Info) {
  json config = TinyConfig({{"type", "factorized_random"}, {"k", 2}});
  config["type_vocab_size"] = 2;
  const auto model = LoadModel(config);
  const ModelInfo& info = model->info();
  const int d = 18;
  const int scores = 2 * (3 * 12 * 2 * 2);  // layers · H L k · two factors
  const int embeddings = (29 + 12 + 2) * d;
  const int layer = 2 * (d * d + d) + (20 * d + 20) + (d * 20 + d) + 4 * d;
  EXPECT_EQ(info.score_parameters, scores);
  EXPECT_EQ(info.embedding_parameters, embeddings);
  EXPECT_EQ(info.parameters, embeddings + 2 * d + 2 * layer + scores);
  EXPECT_EQ(info.precision, Precision::kF32);
  EXPECT_EQ(info.instruction_set, SupportedIsas().front()->name);
  EXPECT_GE(info.weight_bytes, static_cast<std::size_t>(info.parameters - d) * sizeof(float));
  EXPECT_EQ(model->attention_bytes(), 0U);
  Hidden(*model, RandomBatch({4}, 29, 1));
  EXPECT_GE(model->attention_bytes(), sizeof(float) * 2 * 3 * 2 * 12 * 12);
  EXPECT_EQ(info.digest.size(), 64U);
  EXPECT_EQ(json::parse(model->config_json()), config);
  EXPECT_EQ(model->tokenizer(), nullptr);
}

TEST(Model, ATokenizerMustFitTheConfig) {
  const auto golden = paths::SourcePath("tests/golden/tokenized");
  const TempFolder folder;
  json config = TinyConfig({{"type", "dense"}});
  config["tokenizer"] = json::parse(ReadFile(golden / "config.json")).at("tokenizer");
  WriteCheckpoint(folder.path(), config, RandomTensors(config, 1));
  std::filesystem::copy(golden / "tokenizer.model", folder.path());
  const auto model = Model::Load(folder.path());
  EXPECT_TRUE(absl::IsInvalidArgument(model.status()));
  EXPECT_THAT(std::string(model.status().message()),
              HasSubstr("tokenizer.model: expected at most vocab_size = 29 pieces"));
}

TEST(Model, ClassifiesOneText) {
  const auto model = LoadModel(HybridConfig());
  TestTensors tensors = RandomTensors(HybridConfig(), 1);                     // those of the model
  const std::vector<float>& weight = tensors.at("classifier.weight").values;  // [3, 72]
  const std::vector<float>& bias = tensors.at("classifier.bias").values;
  const TestBatch batch = RandomBatch({5}, 29, 1);
  const std::vector<float> hidden = Hidden(*model, batch);
  std::vector<float> pooled(72);
  model->Pool(hidden, model->config().pooling, pooled);
  std::vector<float> logits(3, 99);
  model->Classify(pooled, logits);
  for (std::size_t c = 0; c < logits.size(); ++c) {
    const auto row = weight.begin() + static_cast<std::ptrdiff_t>(c * pooled.size());
    const double product = std::inner_product(pooled.begin(), pooled.end(), row, 0.0);
    EXPECT_NEAR(static_cast<double>(logits[c]), product + static_cast<double>(bias[c]), 1e-4);
  }
}

}  // namespace
}  // namespace synth
