// synthctl inspect, its parts and the program itself, over the golden checkpoints.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "client/inspect/heat_map.h"
#include "client/inspect/inspection.h"
#include "client/inspect/report.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/safetensors.h"
#include "synth/inspect.h"
#include "synth/model.h"
#include "tests/client/inspect/png_file.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth::inspect {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kGolden = paths::SourcePath("tests/golden");

std::vector<std::string> GoldenNames() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kGolden)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What PyTorch computed for a golden checkpoint.
class GoldenFile {
 public:
  explicit GoldenFile(const std::string& name)
      : file_(ReadFile(kGolden / name / "golden.safetensors")),
        tensors_(*ParseSafetensors(file_)) {}

  std::vector<float> Floats(const std::string& name) const { return ToFloats(tensors_.at(name)); }
  std::vector<std::int32_t> Integers(const std::string& name) const {
    const TensorView& tensor = tensors_.at(name);
    std::vector<std::int32_t> values(tensor.elements());
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
  }
  // The longest of its texts begins at this token, and has so many.
  std::pair<std::size_t, std::size_t> LongestText() const {
    const std::vector<std::int32_t> offsets = Integers("offsets");
    std::size_t longest = 0;
    for (std::size_t b = 0; b + 1 < offsets.size(); ++b) {
      if (offsets[b + 1] - offsets[b] > offsets[longest + 1] - offsets[longest]) longest = b;
    }
    const auto first = static_cast<std::size_t>(offsets[longest]);
    return {first, static_cast<std::size_t>(offsets[longest + 1]) - first};
  }

 private:
  std::string file_;
  TensorMap tensors_;
};

// Of one row, in double.
std::vector<double> Softmax(std::vector<double> row) {
  const double max = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (double& x : row) sum += x = std::exp(x - max);
  for (double& x : row) x /= sum;
  return row;
}

struct Attention {
  std::vector<std::vector<float>> layers;  // each [H, n, n]
};

Attention VisitAll(const Model& model, std::span<const std::int32_t> ids) {
  Attention attention;
  const WorkspacePtr workspace = model.MakeWorkspace();
  model.VisitAttention(ids, *workspace, [&attention](const LayerAttention& layer) {
    EXPECT_EQ(layer.layer, attention.layers.size());
    attention.layers.emplace_back(layer.weights.begin(), layer.weights.end());
  });
  return attention;
}

class InspectGolden : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto model = Model::Load(kGolden / GetParam());
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
  }
  std::unique_ptr<const Model> model_;
};

TEST_P(InspectGolden, TheFileHoldsWhatTheFormulasSay) {
  const auto facts = ReadCheckpointFacts(kGolden / GetParam());
  ASSERT_TRUE(facts.ok()) << facts.status();
  constexpr int kTokens = 7;
  const std::vector<std::int32_t> ids(kTokens, 0);
  const Inspection inspection = Inspect(*model_, *facts, ids, nullptr);
  ASSERT_EQ(inspection.layers.size(), model_->config().attention.size());
  std::int64_t parameters = 0;
  std::size_t bytes = 0;
  for (const LayerRow& layer : inspection.layers) {
    EXPECT_EQ(layer.parameters_in_file, layer.parameters.count) << layer.parameters.formula;
    parameters += layer.parameters.count;
    bytes += layer.attention_bytes;
    const auto* const mixture = std::get_if<MixtureSpec>(&layer.spec);
    ASSERT_EQ(layer.alpha.size(), mixture == nullptr ? 0 : model_->config().num_attention_heads);
    for (const std::vector<float>& head : layer.alpha) {
      ASSERT_EQ(head.size(), mixture->parts.size());
      float sum = 0;
      for (const float share : head) sum += share;
      EXPECT_NEAR(sum, 1, 1e-6);
    }
  }
  EXPECT_EQ(parameters, model_->info().score_parameters);
  EXPECT_EQ(bytes, model_->attention_bytes());
  std::int64_t all = 0;
  for (const auto& [dtype, count] : facts->parameters_by_dtype) all += count;
  EXPECT_EQ(all, model_->info().parameters);

  const json report = json::parse(ReportJson(inspection).dump());
  EXPECT_EQ(report["digest"], model_->info().digest);
  EXPECT_EQ(report["tokens"], kTokens);
  EXPECT_EQ(report["layers"].size(), inspection.layers.size());
  EXPECT_EQ(report["totals"]["attention_bytes"], bytes);
  const std::string text = ReportText(inspection);
  EXPECT_NE(text.find(model_->info().digest), std::string::npos);
  EXPECT_NE(text.find(SourceName(inspection.layers[0].spec)), std::string::npos) << text;
}

TEST_P(InspectGolden, EveryQuerysAttentionSumsToOne) {
  const GoldenFile golden(GetParam());
  const auto [first, n] = golden.LongestText();
  const std::vector<std::int32_t> ids = golden.Integers("token_ids");
  const Attention attention = VisitAll(*model_, std::span(ids).subspan(first, n));
  const Attention other = VisitAll(*model_, std::vector<std::int32_t>(n, 0));
  ASSERT_EQ(attention.layers.size(), model_->config().attention.size());
  for (std::size_t i = 0; i < attention.layers.size(); ++i) {
    const std::vector<float>& weights = attention.layers[i];
    ASSERT_EQ(weights.size(),
              static_cast<std::size_t>(model_->config().num_attention_heads) * n * n);
    for (std::size_t row = 0; row < weights.size(); row += n) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += static_cast<double>(weights[row + j]);
      ASSERT_NEAR(sum, 1, 1e-5) << "layer " << i << ", row " << row;
    }
    // The same for any text just where the scores do not depend on it.
    EXPECT_EQ(weights == other.layers[i], !DependsOnInput(model_->config().attention[i]));
  }
}

INSTANTIATE_TEST_SUITE_P(All, InspectGolden, testing::ValuesIn(GoldenNames()),
                         [](const auto& param) { return param.param; });

// softmax of the leading [n, n] block of r [H, L, L].
std::vector<std::vector<double>> SoftmaxOfRandom(const std::string& name, std::size_t layer,
                                                 std::size_t n) {
  const auto checkpoint = Checkpoint::Open(kGolden / name);
  const std::vector<float> r =
      checkpoint->Read("encoder.layer." + std::to_string(layer) + ".attention.self.random.r");
  const auto length = static_cast<std::size_t>(checkpoint->config().max_position_embeddings);
  std::vector<std::vector<double>> rows;  // [H * n][n]
  for (std::size_t row = 0; row < r.size(); row += length) {
    if (row / length % length >= n) continue;
    const auto begin = r.begin() + static_cast<std::ptrdiff_t>(row);
    rows.push_back(Softmax({begin, begin + static_cast<std::ptrdiff_t>(n)}));
  }
  return rows;
}

TEST(Attention, OfRandomIsTheSoftmaxOfItsTensor) {
  for (const std::string name : {"random", "random_fixed", "no_positions", "underflow_guard"}) {
    SCOPED_TRACE(name);
    const auto model = Model::Load(kGolden / name);
    ASSERT_TRUE(model.ok()) << model.status();
    for (const std::size_t n : {1U, 5U, 12U}) {
      const Attention attention = VisitAll(**model, std::vector<std::int32_t>(n, 0));
      const auto expected = SoftmaxOfRandom(name, 0, n);
      ASSERT_EQ(attention.layers[0].size(), expected.size() * n);
      for (std::size_t i = 0; i < attention.layers[0].size(); ++i) {
        ASSERT_NEAR(static_cast<double>(attention.layers[0][i]), expected[i / n][i % n], 1e-6);
      }
    }
  }
}

// x [n, D] through a layer norm's tensors.
std::vector<double> LayerNorm(const Checkpoint& checkpoint, const std::string& prefix,
                              std::vector<double> x) {
  const std::vector<float> gain = checkpoint.Read(prefix + ".weight");
  const std::vector<float> bias = checkpoint.Read(prefix + ".bias");
  const std::size_t size = gain.size();
  for (std::size_t row = 0; row < x.size(); row += size) {
    double mean = 0;
    double square = 0;
    for (std::size_t d = 0; d < size; ++d) mean += x[row + d] / static_cast<double>(size);
    for (std::size_t d = 0; d < size; ++d) {
      square += (x[row + d] - mean) * (x[row + d] - mean) / static_cast<double>(size);
    }
    const auto eps = static_cast<double>(checkpoint.config().layer_norm_eps);
    for (std::size_t d = 0; d < size; ++d) {
      x[row + d] = (x[row + d] - mean) / std::sqrt(square + eps) * static_cast<double>(gain[d]) +
                   static_cast<double>(bias[d]);
    }
  }
  return x;
}

// x [n, D] through a linear layer [D, D].
std::vector<double> Linear(const Checkpoint& checkpoint, const std::string& prefix,
                           const std::vector<double>& x) {
  const std::vector<float> weight = checkpoint.Read(prefix + ".weight");
  const std::vector<float> bias = checkpoint.Read(prefix + ".bias");
  const std::size_t size = bias.size();
  std::vector<double> y(x.size());
  for (std::size_t at = 0; at < y.size(); ++at) {
    const std::size_t out = at % size;
    y[at] = static_cast<double>(bias[out]);
    for (std::size_t d = 0; d < size; ++d) {
      y[at] += x[at - out + d] * static_cast<double>(weight[out * size + d]);
    }
  }
  return y;
}

// softmax(q kᵀ / √Dh) of every layer from PyTorch's hidden states before it.
TEST(Attention, OfDotProductIsTheSoftmaxOfTheScoresOfPyTorchsStates) {
  for (const std::string name : {"dot_product", "pre_dot_product"}) {
    SCOPED_TRACE(name);
    const auto model = Model::Load(kGolden / name);
    ASSERT_TRUE(model.ok()) << model.status();
    const auto checkpoint = Checkpoint::Open(kGolden / name);
    const ModelConfig& config = checkpoint->config();
    const auto size = static_cast<std::size_t>(config.hidden_size);
    const auto heads = static_cast<std::size_t>(config.num_attention_heads);
    const std::size_t head_size = size / heads;
    const GoldenFile golden(name);
    const auto [first, n] = golden.LongestText();
    const std::vector<std::int32_t> ids = golden.Integers("token_ids");
    const Attention attention = VisitAll(**model, std::span(ids).subspan(first, n));
    for (std::size_t layer = 0; layer < attention.layers.size(); ++layer) {
      const std::vector<float> before =
          golden.Floats(layer == 0 ? "embeddings" : "layer_" + std::to_string(layer - 1));
      const auto begin = before.begin() + static_cast<std::ptrdiff_t>(first * size);
      std::vector<double> x(begin, begin + static_cast<std::ptrdiff_t>(n * size));
      const std::string prefix = "encoder.layer." + std::to_string(layer) + ".attention.";
      if (config.norm_position == NormPosition::kPre) {
        x = LayerNorm(*checkpoint, prefix + "LayerNorm", x);
      }
      const std::vector<double> q = Linear(*checkpoint, prefix + "self.query", x);
      const std::vector<double> k = Linear(*checkpoint, prefix + "self.key", x);
      for (std::size_t row = 0; row < heads * n; ++row) {
        const std::size_t column = row / n * head_size;
        std::vector<double> scores(n);
        for (std::size_t j = 0; j < n; ++j) {
          for (std::size_t d = column; d < column + head_size; ++d) {
            scores[j] += q[row % n * size + d] * k[j * size + d];
          }
          scores[j] /= std::sqrt(static_cast<double>(head_size));
        }
        const std::vector<double> expected = Softmax(scores);
        for (std::size_t j = 0; j < n; ++j) {
          ASSERT_NEAR(static_cast<double>(attention.layers[layer][row * n + j]), expected[j], 1e-5)
              << "layer " << layer << ", row " << row << ", column " << j;
        }
      }
    }
  }
}

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class InspectProgram : public testing::Test {
 protected:
  Outcome Run(const std::string& arguments) const {
    const fs::path out = folder_.path() / "out";
    const fs::path err = folder_.path() / "err";
    const std::string line = paths::SynthctlBinary() + " inspect " + arguments + " >" +
                             out.string() + " 2>" + err.string();
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out), ReadFile(err)};
  }
  std::string File(const std::string& name) const { return (folder_.path() / name).string(); }
  static std::string Golden(const std::string& name) { return (kGolden / name).string(); }

  // A checkpoint with the tokenizer of the golden ones: layer 0 dot_product, layer 1
  // factorized_random; 48 positions.
  std::string WithTokenizer() const {
    const json tokenized = json::parse(ReadFile(kGolden / "tokenized" / "config.json"));
    json config = TinyConfig(
        json::array({{{"type", "dot_product"}}, {{"type", "factorized_random"}, {"k", 3}}}));
    config["vocab_size"] = tokenized["vocab_size"];
    config["max_position_embeddings"] = 48;
    config["tokenizer"] = tokenized["tokenizer"];
    const fs::path folder = folder_.path() / "with_tokenizer";
    fs::create_directories(folder);
    WriteCheckpoint(folder, config, RandomTensors(config, 3));
    fs::copy_file(kGolden / "tokenized" / "tokenizer.model", folder / "tokenizer.model");
    return folder.string();
  }

 private:
  const TempFolder folder_;
};

TEST_F(InspectProgram, WritesJson) {
  const Outcome outcome = Run(Golden("hybrid") + " --output json");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report["tokens"], 12);
  EXPECT_EQ(report["layers"][0]["source"], "factorized_random(k=3)");
  EXPECT_EQ(report["layers"][1]["attention_bytes"], 0);
  EXPECT_EQ(report["layers"][2]["parts"], (json{"random(fixed)", "factorized_random(k=8)"}));
  EXPECT_EQ(report["layers"][2]["alpha"].size(), report["sizes"]["num_attention_heads"]);
  EXPECT_EQ(report["layers"][3]["score_parameters"]["file"],
            report["layers"][3]["score_parameters"]["by_formula"]);

  const std::string file = File("report.json");
  EXPECT_EQ(Run(Golden("hybrid") + " --output json --out " + file).code, 0);
  EXPECT_EQ(json::parse(ReadFile(file)), report);
}

TEST_F(InspectProgram, WritesATable) {
  const Outcome outcome = Run(Golden("mixture_three") + " --tokens 4");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("mixture(random + dense + factorized_dense(a=4, b=3))"),
            std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("A text of 4 tokens"), std::string::npos);
  EXPECT_NE(outcome.out.find("layer 1, dense:"), std::string::npos) << outcome.out;
}

TEST_F(InspectProgram, DrawsTheSoftmaxOfRandom) {
  constexpr std::int64_t kTokens = 7;
  const std::string file = File("random.png");
  const Outcome outcome = Run(Golden("random") + " --tokens 7 --png " + file);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Png png(file);
  const auto map = HeatMap::Create(2, 3, kTokens);  // layers and heads of every golden checkpoint
  ASSERT_EQ(png.width, map->width());
  ASSERT_EQ(png.height, map->height());
  const std::int64_t step = kTokens * map->scale() + HeatMap::kGap;
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const auto rows = SoftmaxOfRandom("random", static_cast<std::size_t>(layer), kTokens);
    for (std::int64_t head = 0; head < 3; ++head) {
      std::int64_t brightest = 0;
      const auto value = [&rows, head](std::int64_t at) {
        return rows[static_cast<std::size_t>(head * kTokens + at / kTokens)]
                   [static_cast<std::size_t>(at % kTokens)];
      };
      for (std::int64_t at = 1; at < kTokens * kTokens; ++at) {
        if (value(at) > value(brightest)) brightest = at;
      }
      for (std::int64_t at = 0; at < kTokens * kTokens; ++at) {
        const Png::Rgb colour = png.At(HeatMap::kGap + head * step + at % kTokens * map->scale(),
                                       HeatMap::kGap + layer * step + at / kTokens * map->scale());
        EXPECT_EQ(colour == kBrightest, value(at) > value(brightest) * (1 - 0.5 / 254))
            << "layer " << layer << ", head " << head << ", " << at;
      }
    }
  }
}

TEST_F(InspectProgram, DrawsATextWhereLayersLookAtIt) {
  const std::string model = WithTokenizer();
  const std::string file = File("text.png");
  const std::string arguments = model + " --output json --png " + file;
  Outcome outcome = Run(arguments);
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err,
            "synthctl: layer 0 (dot_product) follows the text: --png needs a --text\n");
  EXPECT_FALSE(fs::exists(file));

  outcome = Run(arguments + " --text 'Please turn off the lights.'");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(json::parse(outcome.out)["tokens"], 17);
  EXPECT_EQ(Png(file).width, HeatMap::Create(2, 3, 17)->width());

  outcome = Run(arguments + " --text 'Please turn off the lights.' --tokens 6");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(json::parse(outcome.out)["tokens"], 6);

  outcome = Run(arguments + " --text 'Please turn off the lights.' --tokens 18");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "synthctl: --tokens 18: the text has only 17 tokens\n");
  outcome = Run(arguments + " --text 'Please turn off the lights.' --tokens 2");
  EXPECT_EQ(outcome.code, 2);
  outcome = Run(arguments + " --text \"$(printf 'caf\\351')\"");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("synthctl: --text: "), std::string::npos) << outcome.err;
}

TEST_F(InspectProgram, SaysWhatIsWrong) {
  Outcome outcome = Run("");
  EXPECT_EQ(outcome.code, 2);

  outcome = Run("/nowhere");
  EXPECT_EQ(outcome.code, 5);
  EXPECT_NE(outcome.err.find("/nowhere/config.json"), std::string::npos) << outcome.err;

  json config = TinyConfig({{"type", "dot_product"}});
  const TempFolder bad;
  WriteCheckpoint(bad.path(), config, RandomTensors(config, 1));
  config["num_attention_heads"] = 5;
  WriteFile(bad.path() / "config.json", config.dump());
  outcome = Run(bad.path().string());
  EXPECT_EQ(outcome.code, 5);
  EXPECT_NE(outcome.err.find("num_attention_heads"), std::string::npos) << outcome.err;

  outcome = Run(Golden("random") + " --tokens 13");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "synthctl: --tokens 13: the model takes at most 12 tokens\n");
  outcome = Run(Golden("random") + " --tokens 0");
  EXPECT_EQ(outcome.code, 2);

  outcome = Run(Golden("random") + " --png /nowhere/random.png");
  EXPECT_EQ(outcome.code, 5);
  EXPECT_NE(outcome.err.find("/nowhere/random.png"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  outcome = Run(Golden("random") + " --png /dev/full");
  EXPECT_EQ(outcome.code, 5);

  outcome = Run(Golden("dot_product") + " --png " + File("x.png") + " --text hello");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "synthctl: --text: the checkpoint has no tokenizer\n");
}

}  // namespace
}  // namespace synth::inspect
