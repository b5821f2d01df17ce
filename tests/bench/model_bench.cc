// The engine from its products up to the whole encoder, on one thread, for every precision that
// this machine can compute in. `of_peak` is the share of the core's peak of f32 multiply-adds,
// measured just before: 1 is all that f32 can reach, 2 all of bf16, 4 all of int8.
//   model_bench --benchmark_filter=Encoder
// Sizes: D 256, H 4, N 4, F 1024, L 512. SYNTH_ISA=v3 measures AVX2.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/attention/attention_weights.h"
#include "model/attention/load.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"
#include "model/workspace.h"
#include "synth/model.h"
#include "synth/precision.h"
#include "tests/bench/eigen_encoder.h"
#include "tests/bench/peak.h"
#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using nlohmann::json;

constexpr int kVocabulary = 8000;
constexpr Index kHidden = 256;
constexpr Index kHeads = 4;
constexpr Index kLayers = 4;
constexpr Index kInner = 1024;
constexpr Index kLongest = 512;

std::vector<json> Sources() {
  const json dot = {{"type", "dot_product"}};
  const json factorized_random = {{"type", "factorized_random"}, {"k", 8}};
  return {dot,
          {{"type", "dense"}},
          {{"type", "factorized_dense"}, {"factors", {16, 32}}},
          {{"type", "random"}, {"trainable", true}},
          factorized_random,
          {{"type", "mixture"}, {"parts", {factorized_random, dot}}}};
}

// A checkpoint with random weights, removed at the end.
class BenchCheckpoint {
 public:
  explicit BenchCheckpoint(const json& attention) {
    const json config = {{"model_type", "synthesizer"},
                         {"vocab_size", kVocabulary},
                         {"hidden_size", kHidden},
                         {"num_hidden_layers", kLayers},
                         {"num_attention_heads", kHeads},
                         {"intermediate_size", kInner},
                         {"max_position_embeddings", kLongest},
                         {"hidden_act", "gelu"},
                         {"attention", attention}};
    WriteCheckpoint(folder_.path(), config, RandomTensors(config, 1));
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
};

std::vector<float> RandomFloats(Index size) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = normal(generator);
  return values;
}

// What a body does, timed: `operations` floating-point operations for `tokens` tokens.
void Measure(benchmark::State& state, const Kernels& kernels, double operations, Index tokens,
             const std::function<void()>& body) {
  const double peak = MeasureFmaPeak(kernels.isa.name);
  body();  // what is made once
  const auto start = std::chrono::steady_clock::now();
  for ([[maybe_unused]] auto _ : state) body();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double seconds = took.count() / static_cast<double>(state.iterations());
  if (operations > 0) state.counters["of_peak"] = operations / seconds / peak;
  state.counters["us/token"] = seconds * 1e6 / static_cast<double>(tokens);
}

// C [rows, cols] = A [rows, depth] B with constant weights: what a linear layer does.
void BmMatmul(benchmark::State& state, const Kernels& kernels, Index rows, Index depth,
              Index cols) {
  const std::vector<float> a = RandomFloats(rows * depth);
  const std::vector<float> weights = RandomFloats(cols * depth);
  const std::vector<float> bias = RandomFloats(cols);
  const PackedMatrix b =
      PackedMatrix::PackTransposed(kernels.linear, {weights.data(), cols, depth, depth});
  AlignedBuffer<float> c;
  OperandBuffer buffer;
  const Matrix to = {c.Reserve(rows * cols), rows, cols, cols};
  Measure(state, kernels, 2.0 * static_cast<double>(rows * depth * cols), rows, [&] {
    const Operand operand = Prepare(kernels.linear, {a.data(), rows, depth, depth}, buffer);
    kernels.linear.matmul(operand, b.view(), {.bias = bias.data()}, to);
  });
}

void BmLayerNorm(benchmark::State& state, const Kernels& kernels) {
  const Index rows = 128;
  const std::vector<float> x = RandomFloats(rows * kHidden);
  const std::vector<float> gain = RandomFloats(kHidden);
  AlignedBuffer<float> y;
  const Matrix to = {y.Reserve(rows * kHidden), rows, kHidden, kHidden};
  Measure(state, kernels, 0, rows, [&] {
    kernels.isa.rows.layer_norm({x.data(), rows, kHidden, kHidden}, gain.data(), gain.data(), 1e-6F,
                                to);
  });
}

// One head's softmax; exp_rows works in place, so that the numbers settle at exp(0) and below.
void BmSoftmax(benchmark::State& state, const Kernels& kernels, Index n) {
  const std::vector<float> x = RandomFloats(n * n);
  AlignedBuffer<float> scores;
  AlignedBuffer<float> reciprocals;
  float* const to = scores.Reserve(n * n);
  std::copy(x.begin(), x.end(), to);
  Measure(state, kernels, 0, n, [&] {
    kernels.isa.rows.exp_rows({to, n, n, n}, reciprocals.Reserve(n));
  });
}

// What a score source costs in a layer beyond the value and output projections that all have: its
// own projections (if `with_projections`), scores, softmax and mix, for one text.
void BmAttention(benchmark::State& state, const Kernels& kernels, const json& source, Index n,
                 bool with_projections) {
  const BenchCheckpoint folder(source);
  const auto checkpoint = Checkpoint::Open(folder.path());
  if (!checkpoint.ok()) return state.SkipWithError(checkpoint.status().ToString().c_str());
  const auto weights =
      LoadAttentionWeights(kernels, TensorScope(*checkpoint, "encoder.layer.0.attention.self."),
                           checkpoint->config(), checkpoint->config().attention.front());
  const std::vector<float> x = RandomFloats(n * kHidden);
  const Index width = weights->projected_width();
  const Index head_size = kHidden / kHeads;
  Scratch scratch;
  AlignedBuffer<float> projected;
  AlignedBuffer<float> mixed;
  float* const p = projected.Reserve(n * width);
  float* const y = mixed.Reserve(n * kHidden);
  const Operand input = Prepare(kernels.linear, {x.data(), n, kHidden, kHidden}, scratch.input);
  weights->Project(input, {p, n, width, width});
  Measure(state, kernels, 0, n, [&] {
    if (with_projections) weights->Project(input, {p, n, width, width});
    for (Index head = 0; head < kHeads; ++head) {
      const Index column = head * head_size;
      const HeadWeights exp = weights->Compute({p, n, width, width}, head, scratch);
      const PackedView v = PackInto(scratch.packed_values, kernels.attention,
                                    {x.data() + column, n, head_size, kHidden});
      kernels.attention.matmul(exp.exp, v, {.row_scale = exp.reciprocal},
                               {y + column, n, head_size, kHidden});
    }
  });
}

// Multiply-adds of a token in a layer with texts of n tokens.
double OperationsPerToken(const json& source, Index n) {
  const auto d = static_cast<double>(kHidden);
  const auto length = static_cast<double>(n);
  const double mix = length * d;
  const std::string type = source.at("type");
  double scores = 0;
  if (type == "dot_product" || type == "mixture") scores = 2 * d * d + mix;
  if (type == "dense") scores = d * d + mix;
  if (type == "factorized_dense") scores = d * d + d * (16 + 32) + length * kHeads;
  return 2 * (2 * d * d + 2 * d * kInner + mix + scores);
}

void BmEncoder(benchmark::State& state, const Kernels& kernels, Precision precision,
               const json& source, Index n, Index batch) {
  const BenchCheckpoint folder(source);
  const auto model = Model::Load(folder.path(), {.precision = precision});
  if (!model.ok()) return state.SkipWithError(model.status().ToString().c_str());
  const WorkspacePtr workspace = (*model)->MakeWorkspace();
  const TestBatch texts = RandomBatch(
      std::vector<int>(static_cast<std::size_t>(batch), static_cast<int>(n)), kVocabulary, 1);
  const Index tokens = n * batch;
  const double operations = OperationsPerToken(source, n) * static_cast<double>(tokens * kLayers);
  Measure(state, kernels, operations, tokens,
          [&] { benchmark::DoNotOptimize((*model)->Forward(texts.tokens(), *workspace)); });
}

std::string With(char letter, Index value) {
  return absl::StrCat(std::string(1, letter), ":", value);
}

template <class Function>
void Add(const std::vector<std::string>& name, const Function& function) {
  benchmark::RegisterBenchmark(absl::StrJoin(name, "/").c_str(), function)
      ->Unit(benchmark::kMicrosecond);
}

// The same encoder in Eigen, compiled for AVX2, to be compared with SYNTH_ISA=v3.
void BmEigen(benchmark::State& state, Index n, Index batch) {
  const BenchCheckpoint folder(json{{"type", "factorized_random"}, {"k", 8}});
  const auto checkpoint = Checkpoint::Open(folder.path());
  const auto model = Model::Load(folder.path());
  if (!model.ok()) return state.SkipWithError(model.status().ToString().c_str());
  const TestBatch texts = RandomBatch(
      std::vector<int>(static_cast<std::size_t>(batch), static_cast<int>(n)), kVocabulary, 1);
  EigenEncoder encoder(*checkpoint, static_cast<int>(n));
  const WorkspacePtr workspace = (*model)->MakeWorkspace();
  const auto expected = (*model)->Forward(texts.tokens(), *workspace);
  const auto found = encoder.Forward(texts.token_ids);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(expected[i] - found[i]) > 1e-3F) {
      return state.SkipWithError("Eigen's results differ from the engine's");
    }
  }
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(encoder.Forward(texts.token_ids));
  }
}

void RegisterAll(Precision precision) {
  const auto kernels = SelectKernels(precision);
  if (!kernels.ok()) {
    std::cerr << kernels.status().message() << "\n";
    return;
  }
  const Kernels k = *kernels;
  const std::string p(ToString(precision));
  struct Weights {
    Index depth;
    Index cols;
  };
  for (const Weights w : {Weights{kHidden, kHidden}, {kHidden, kInner}, {kInner, kHidden}}) {
    for (const Index rows : {8, 40, 128, 1024}) {
      Add({"Matmul", p, With('K', w.depth), With('N', w.cols), With('M', rows)},
          [=](benchmark::State& state) { BmMatmul(state, k, rows, w.depth, w.cols); });
    }
  }
  if (precision == Precision::kF32) {
    for (const Index batch : {1, 8}) {
      Add({"Eigen", "v3", "factorized_random", With('n', 40), With('B', batch)},
          [=](benchmark::State& state) { BmEigen(state, 40, batch); });
    }
    Add({"LayerNorm", "D:256"}, [=](benchmark::State& state) { BmLayerNorm(state, k); });
    for (const Index n : {40, 128}) {
      Add({"Softmax", With('n', n)}, [=](benchmark::State& state) { BmSoftmax(state, k, n); });
    }
  }
  for (const json& source : Sources()) {
    const std::string type = source.at("type");
    for (const Index n : {32, 64, 128, 256, 512}) {
      for (const bool with_projections : {false, true}) {
        Add({"Attention", p, type, with_projections ? "with_projections" : "scores_and_mix",
             With('n', n)},
            [=](benchmark::State& state) { BmAttention(state, k, source, n, with_projections); });
      }
    }
  }
  for (const json& source : Sources()) {
    const std::string type = source.at("type");
    for (const Index n : {40, 128}) {
      for (const Index batch : {1, 8, 32}) {
        Add({"Encoder", p, type, With('n', n), With('B', batch)},
            [=](benchmark::State& state) { BmEncoder(state, k, precision, source, n, batch); });
      }
    }
  }
}

}  // namespace
}  // namespace synth

int main(int argc, char** argv) try {
  for (const auto precision :
       {synth::Precision::kF32, synth::Precision::kBf16, synth::Precision::kInt8}) {
    synth::RegisterAll(precision);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
