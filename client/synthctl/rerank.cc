// synthctl rerank: how well texts answer a query, best first.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/synthctl/format.h"
#include "client/synthctl/options.h"
#include "client/synthctl/output.h"
#include "client/synthctl/run_texts.h"
#include "client/synthctl/text_input.h"

namespace synth::synthctl {
namespace {

using RerankItem = client::BulkResult<v1::RerankResult>;
using RerankWriter = ResultWriter<v1::RerankResult>;

constexpr char kExamples[] =
    "Examples:\n"
    "  synthctl rerank --query \"how do I reset my password\" --file passages.txt --top-k 5\n"
    "  synthctl rerank --query \"how do I reset my password\" --file passages.txt --output jsonl\n"
    "\n"
    "Texts that failed stand last. jsonl numbers the texts from 0, as the server does.\n";

struct RerankOptions {
  TextInputOptions input;
  OutputOptions output;
  std::string query;
  std::uint32_t top_k = 0;
  bool logits = false;
  v1::Truncation truncation = v1::TRUNCATION_END;
};

// Keeps all results, for they come in the order of the texts; writes them sorted, at the end.
class SortingWriter : public RerankWriter {
 public:
  SortingWriter(OutputFile& output, const RerankOptions& options)
      : output_(output), is_jsonl_(options.output.format == "jsonl"), top_k_(options.top_k) {}

  absl::Status Write(const RerankItem& item) override {
    items_.push_back(item);
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    std::ranges::stable_sort(items_, [](const RerankItem& a, const RerankItem& b) {
      if (a.status.ok() != b.status.ok()) return a.status.ok();
      return a.status.ok() && a.result.score() > b.result.score();
    });
    if (top_k_ != 0 && items_.size() > top_k_) items_.resize(top_k_);
    if (!is_jsonl_ && !items_.empty()) {
      absl::Status status = output_.Write(
          absl::StrFormat("%6s %6s %9s %9s  %s\n", "rank", "#", "score", "tokens", "text"));
      if (!status.ok()) return status;
    }
    for (std::size_t i = 0; i < items_.size(); ++i) {
      absl::Status status = output_.Write(is_jsonl_ ? Json(items_[i]) : Row(i + 1, items_[i]));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  static constexpr std::size_t kExcerptBytes = 72;

  static std::string Row(std::size_t rank, const RerankItem& item) {
    const std::string excerpt = OneLine(item.text, kExcerptBytes);
    if (!item.status.ok()) {
      return absl::StrFormat("%6s %6d %9s %9s  %s\n", "-", item.index + 1, "failed", "-", excerpt);
    }
    return absl::StrFormat("%6d %6d %9.4f %9s  %s\n", rank, item.index + 1, item.result.score(),
                           TokensCell(item.result.usage()), excerpt);
  }

  static std::string Json(const RerankItem& item) {
    nlohmann::ordered_json line = {{"index", item.index}, {"text", item.text}};
    if (!item.status.ok()) {
      line["error"] = ErrorJson(item.status);
      return JsonLine(line);
    }
    line["score"] = item.result.score();
    line["tokens"] = item.result.usage().tokens();
    line["truncated"] = item.result.usage().truncated();
    return JsonLine(line);
  }

  OutputFile& output_;
  const bool is_jsonl_;
  const std::size_t top_k_;
  std::vector<RerankItem> items_;
};

int RunRerank(const RerankOptions& options, const GlobalOptions& globals) {
  auto opened = OpenTextRun(options.input, options.output, globals);
  if (const int* code = std::get_if<int>(&opened)) return *code;
  auto& run = std::get<TextRun>(opened);

  v1::RerankRequest settings;
  settings.set_model(globals.model);
  settings.set_query(options.query);
  settings.set_score_type(options.logits ? v1::SCORE_TYPE_LOGIT : v1::SCORE_TYPE_PROBABILITY);
  settings.set_truncation(options.truncation);
  SortingWriter writer(run.output, options);
  return RunTexts<v1::RerankResult>(
      *run.input, run.output, writer,
      [&](const client::BulkSource& source, const client::BulkSink<v1::RerankResult>& sink) {
        return client::RerankBulk(*run.client, settings, source, sink, options.input.ForBulk());
      });
}

}  // namespace

void AddRerank(CLI::App& app, const GlobalOptions& globals, Action& action) {
  CLI::App* command =
      app.add_subcommand("rerank", "Sort texts by how well they answer a query (cross-encoders)");
  auto options = std::make_shared<RerankOptions>();
  AddTextInputOptions(*command, options->input);
  AddOutputOptions(*command, options->output, {"table", "jsonl"});
  command->add_option("--query", options->query, "what the texts are to answer")
      ->type_name("TEXT")
      ->required();
  command->add_option("--top-k", options->top_k, "texts to show, best first; 0: all")
      ->type_name("K")
      ->capture_default_str();
  command->add_flag("--logits", options->logits,
                    "scores are the classifier's raw output instead of numbers from 0 to 1");
  static const std::map<std::string, v1::Truncation> kNames = {{"end", v1::TRUNCATION_END},
                                                               {"none", v1::TRUNCATION_NONE}};
  command
      ->add_option(
          "--truncation", options->truncation,
          "of a query and a text that are too long together: cut the end of the longer, or "
          "none (it fails)")
      ->transform(CLI::CheckedTransformer(kNames).description(""))
      ->type_name("end|none")
      ->default_str("end");
  command->footer(kExamples);
  command->callback([options, &globals, &action] {
    action = [options, &globals] { return RunRerank(*options, globals); };
  });
}

}  // namespace synth::synthctl
