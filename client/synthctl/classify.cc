// synthctl classify: texts to labels.
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "client/synthctl/accuracy.h"
#include "client/synthctl/format.h"
#include "client/synthctl/long_texts.h"
#include "client/synthctl/options.h"
#include "client/synthctl/output.h"
#include "client/synthctl/run_texts.h"
#include "client/synthctl/text_input.h"

namespace synth::synthctl {
namespace {

using ClassifyItem = client::BulkResult<v1::ClassifyResult>;
using ClassifyWriter = ResultWriter<v1::ClassifyResult>;

constexpr char kExamples[] =
    "Examples:\n"
    "  synthctl classify \"what is my balance\" --top-k 3\n"
    "  synthctl classify --file texts.txt --output jsonl > labels.jsonl\n"
    "  synthctl classify --file test.tsv --tsv --out predictions.txt   # reports the accuracy\n"
    "  synthctl classify --pairs --file premises-and-hypotheses.tsv\n"
    "\n"
    "jsonl writes one line per text, in order, as soon as it is there; a text that failed has "
    "\"error\".\n";

struct ClassifyOptions {
  TextInputOptions input;
  OutputOptions output;
  uint32_t top_k = 1;
  bool logits = false;
  LongTextOptions long_texts;
  std::string out_of_scope_label = "oos";
};

class TableWriter : public ClassifyWriter {
 public:
  explicit TableWriter(OutputFile& output) : output_(output) {}

  absl::Status Write(const ClassifyItem& item) override {
    std::string text;
    if (item.index == 0) {
      text = absl::StrFormat("%6s %9s  %-28s %9s  %s\n", "#", "tokens", "label", "score", "text");
    }
    const std::string excerpt = OneLine(item.text, kExcerptBytes);
    if (!item.status.ok()) {
      absl::StrAppendFormat(&text, "%6d %9s  %-28s %9s  %s\n", item.index + 1, "-", "failed", "-",
                            excerpt);
      return output_.Write(text);
    }
    absl::StrAppendFormat(&text, "%6d %9s  ", item.index + 1, TokensCell(item.result.usage()));
    AppendLabels(item.result, excerpt, text);
    return output_.Write(text);
  }

 private:
  static constexpr std::size_t kExcerptBytes = 60;

  // The best label ends the text's first line; the others have lines of their own.
  static void AppendLabels(const v1::ClassifyResult& result, const std::string& excerpt,
                           std::string& text) {
    std::string remark = excerpt;
    if (const v1::OutOfScope& scope = result.out_of_scope(); scope.out_of_scope()) {
      absl::StrAppendFormat(&remark, "  [out of scope: %.4f > %.4f]", scope.score(),
                            scope.threshold());
    }
    for (int i = 0; i < result.labels_size(); ++i) {
      const v1::Label& label = result.labels(i);
      if (i > 0) absl::StrAppendFormat(&text, "%16s  ", "");
      absl::StrAppendFormat(&text, "%-28s %9.4f", label.name(), label.score());
      text += i == 0 ? "  " + remark + "\n" : "\n";
    }
  }

  OutputFile& output_;
};

class JsonlWriter : public ClassifyWriter {
 public:
  // `with_expected`: lines carry the label that the input named.
  JsonlWriter(OutputFile& output, bool with_expected)
      : output_(output), with_expected_(with_expected) {}

  absl::Status Write(const ClassifyItem& item) override {
    nlohmann::ordered_json line = {{"index", item.index}, {"text", item.text}};
    if (with_expected_) line["expected"] = item.tag;
    if (!item.status.ok()) {
      line["error"] = ErrorJson(item.status);
      return output_.Write(JsonLine(line));
    }
    const v1::TextUsage& usage = item.result.usage();
    line["tokens"] = usage.tokens();
    line["truncated"] = usage.truncated();
    line["original_tokens"] = usage.original_tokens();
    line["windows"] = usage.windows();
    line["labels"] = nlohmann::ordered_json::array();
    for (const v1::Label& label : item.result.labels()) {
      line["labels"].push_back(
          {{"name", label.name()}, {"index", label.index()}, {"score", label.score()}});
    }
    if (item.result.has_out_of_scope()) {
      const v1::OutOfScope& scope = item.result.out_of_scope();
      line["out_of_scope"] = {{"out_of_scope", scope.out_of_scope()},
                              {"score", scope.score()},
                              {"threshold", scope.threshold()}};
    }
    return output_.Write(JsonLine(line));
  }

 private:
  OutputFile& output_;
  const bool with_expected_;
};

// Counts what passes on its way to another writer.
class AccuracyWriter : public ClassifyWriter {
 public:
  AccuracyWriter(ClassifyWriter& next, Accuracy& accuracy) : next_(next), accuracy_(accuracy) {}

  absl::Status Write(const ClassifyItem& item) override {
    accuracy_.Add(item);
    return next_.Write(item);
  }
  absl::Status Finish() override { return next_.Finish(); }

 private:
  ClassifyWriter& next_;
  Accuracy& accuracy_;
};

std::unique_ptr<ClassifyWriter> MakeWriter(const ClassifyOptions& options, OutputFile& output) {
  if (options.output.format == "jsonl") {
    return std::make_unique<JsonlWriter>(output, options.input.tsv);
  }
  return std::make_unique<TableWriter>(output);
}

int RunClassify(const ClassifyOptions& options, const GlobalOptions& globals) {
  auto opened = OpenTextRun(options.input, options.output, globals);
  if (const int* code = std::get_if<int>(&opened)) return *code;
  auto& run = std::get<TextRun>(opened);

  v1::ClassifyRequest settings;
  settings.set_model(globals.model);
  settings.set_top_k(options.top_k);
  settings.set_score_type(options.logits ? v1::SCORE_TYPE_LOGIT : v1::SCORE_TYPE_PROBABILITY);
  options.long_texts.SetIn(settings);
  const std::unique_ptr<ClassifyWriter> writer = MakeWriter(options, run.output);
  Accuracy accuracy(options.out_of_scope_label);
  AccuracyWriter counting_writer(*writer, accuracy);
  const int code = RunTexts<v1::ClassifyResult>(
      *run.input, run.output, options.input.tsv ? counting_writer : *writer,
      [&](const client::BulkSource& source, const client::BulkSink<v1::ClassifyResult>& sink) {
        return client::ClassifyBulk(*run.client, settings, source, sink, options.input.ForBulk());
      });
  if (options.input.tsv) absl::FPrintF(stderr, "%s\n", accuracy.Summary());
  return code;
}

}  // namespace

void AddClassify(CLI::App& app, const GlobalOptions& globals, Action& action) {
  CLI::App* command = app.add_subcommand("classify", "Find the labels of texts");
  auto options = std::make_shared<ClassifyOptions>();
  AddTextInputOptions(*command, options->input);
  AddTsvOption(*command, options->input);
  AddPairsOption(*command, options->input);
  AddOutputOptions(*command, options->output, {"table", "jsonl"});
  command->add_option("--top-k", options->top_k, "labels per text, best first; 0: all")
      ->type_name("K")
      ->capture_default_str();
  command->add_flag("--logits", options->logits,
                    "scores are the classifier's raw output instead of probabilities");
  AddLongTextOptions(*command, options->long_texts);
  command
      ->add_option("--oos-label", options->out_of_scope_label,
                   "with --tsv: the label of texts that belong to none of the model's labels")
      ->type_name("LABEL")
      ->capture_default_str();
  command->footer(kExamples);
  command->callback([options, &globals, &action] {
    action = [options, &globals] { return RunClassify(*options, globals); };
  });
}

}  // namespace synth::synthctl
