// What the engine alone costs for the texts that `synthctl load` sends: tokenize, forward, pool,
// classify, on one thread. The argument is the number of texts in a batch.
//   SYNTH_BENCH_MODEL=models/intent-clinc150 SYNTH_BENCH_PRECISION=bf16 engine_bench
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/sentences.h"
#include "synth/model.h"
#include "synth/postprocess.h"
#include "synth/precision.h"
#include "tests/paths.h"

namespace synth {
namespace {

template <typename T>
T OrExit(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::cerr << value.status() << "\n";
    std::exit(1);
  }
  return *std::move(value);
}

std::string FromEnvironment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

const Model& BenchModel() {
  static const std::unique_ptr<const Model> model = OrExit(Model::Load(
      FromEnvironment("SYNTH_BENCH_MODEL", paths::SourcePath("models/intent-clinc150")),
      {.precision = OrExit(ParsePrecision(FromEnvironment("SYNTH_BENCH_PRECISION", "f32")))}));
  return *model;
}

// Classifies `texts` in one batch; gives the number of tokens.
std::size_t Classify(const Model& model, std::span<const std::string> texts, Workspace& workspace) {
  std::vector<std::int32_t> token_ids;
  std::vector<std::int32_t> offsets = {0};
  for (const std::string& text : texts) {
    absl::StatusOr<std::vector<std::int32_t>> ids = model.tokenizer()->Encode(text);
    model.tokenizer()->Truncate(*ids, model.max_text_tokens());
    token_ids.insert(token_ids.end(), ids->begin(), ids->end());
    offsets.push_back(static_cast<std::int32_t>(token_ids.size()));
  }
  const std::span<const float> hidden =
      model.Forward({.token_ids = token_ids, .offsets = offsets}, workspace);
  const auto width = static_cast<std::size_t>(model.config().hidden_size);
  std::vector<float> pooled(width);
  std::vector<float> scores(model.config().classifier->labels.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto begin = static_cast<std::size_t>(offsets[i]);
    const auto end = static_cast<std::size_t>(offsets[i + 1]);
    model.Pool(hidden.subspan(begin * width, (end - begin) * width), model.config().pooling,
               pooled);
    model.Classify(pooled, scores);
    LogitsToProbabilities(model.config().classifier->problem_type, scores);
    benchmark::DoNotOptimize(TopK(scores, 1));
  }
  return token_ids.size();
}

void BmClassify(benchmark::State& state) {
  const Model& model = BenchModel();
  const WorkspacePtr workspace = model.MakeWorkspace();
  const std::vector<std::string> sentences = load::BuiltInSentences();
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::size_t next = 0;
  std::size_t texts = 0;
  std::size_t tokens = 0;
  for ([[maybe_unused]] auto _ : state) {
    if (next + batch > sentences.size()) next = 0;
    tokens += Classify(model, std::span(sentences).subspan(next, batch), *workspace);
    texts += batch;
    next += batch;
  }
  state.counters["texts_per_second"] =
      benchmark::Counter(static_cast<double>(texts), benchmark::Counter::kIsRate);
  state.counters["tokens_per_text"] = static_cast<double>(tokens) / static_cast<double>(texts);
}
BENCHMARK(BmClassify)
    ->Name("Classify")
    ->Unit(benchmark::kMicrosecond)
    ->Arg(1)
    ->Arg(2)
    ->Arg(4)
    ->Arg(8)
    ->Arg(16)
    ->Arg(24)
    ->Arg(32)
    ->Arg(64);

}  // namespace
}  // namespace synth

BENCHMARK_MAIN();
