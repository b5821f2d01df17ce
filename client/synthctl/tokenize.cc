// synthctl tokenize: texts to the tokens that the model sees.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/synthctl/format.h"
#include "client/synthctl/options.h"
#include "client/synthctl/output.h"
#include "client/synthctl/run_texts.h"
#include "client/synthctl/text_input.h"

namespace synth::synthctl {
namespace {

using TokenizeItem = client::BulkResult<v1::TokenizeResult>;
using TokenizeWriter = ResultWriter<v1::TokenizeResult>;

constexpr char kExamples[] =
    "Examples:\n"
    "  synthctl tokenize \"what is my balance\"\n"
    "  synthctl tokenize --file texts.txt --output jsonl | jq '.ids | length'\n";

struct TokenizeOptions {
  TextInputOptions input;
  OutputOptions output;
};

// Per text: a line with its number and token count, a line of pieces, a line of ids below them.
class TableWriter : public TokenizeWriter {
 public:
  explicit TableWriter(OutputFile& output) : output_(output) {}

  absl::Status Write(const TokenizeItem& item) override {
    if (!item.status.ok()) {
      return output_.Write(absl::StrFormat("%d: failed\n", item.index + 1));
    }
    std::string pieces;
    for (const std::string& piece : item.result.pieces()) {
      absl::StrAppend(&pieces, " ", OneLine(piece, kPieceBytes));
    }
    return output_.Write(absl::StrFormat("%d: %d tokens\n  pieces%s\n  ids    %s\n", item.index + 1,
                                         item.result.ids_size(), pieces,
                                         absl::StrJoin(item.result.ids(), " ")));
  }

 private:
  static constexpr std::size_t kPieceBytes = 256;
  OutputFile& output_;
};

class JsonlWriter : public TokenizeWriter {
 public:
  explicit JsonlWriter(OutputFile& output) : output_(output) {}

  absl::Status Write(const TokenizeItem& item) override {
    nlohmann::ordered_json line = {{"index", item.index}};
    if (!item.status.ok()) {
      line["error"] = ErrorJson(item.status);
      return output_.Write(JsonLine(line));
    }
    line["ids"] = nlohmann::ordered_json::array();
    for (const uint32_t id : item.result.ids()) line["ids"].push_back(id);
    line["pieces"] = nlohmann::ordered_json::array();
    for (const std::string& piece : item.result.pieces()) line["pieces"].push_back(piece);
    return output_.Write(JsonLine(line));
  }

 private:
  OutputFile& output_;
};

std::unique_ptr<TokenizeWriter> MakeWriter(const std::string& format, OutputFile& output) {
  if (format == "jsonl") return std::make_unique<JsonlWriter>(output);
  return std::make_unique<TableWriter>(output);
}

int RunTokenize(const TokenizeOptions& options, const GlobalOptions& globals) {
  auto opened = OpenTextRun(options.input, options.output, globals);
  if (const int* code = std::get_if<int>(&opened)) return *code;
  auto& run = std::get<TextRun>(opened);

  v1::TokenizeRequest settings;
  settings.set_model(globals.model);
  const std::unique_ptr<TokenizeWriter> writer = MakeWriter(options.output.format, run.output);
  return RunTexts<v1::TokenizeResult>(
      *run.input, run.output, *writer,
      [&](const client::BulkSource& source, const client::BulkSink<v1::TokenizeResult>& sink) {
        return client::TokenizeBulk(*run.client, settings, source, sink, options.input.ForBulk());
      });
}

}  // namespace

void AddTokenize(CLI::App& app, const GlobalOptions& globals, Action& action) {
  CLI::App* command = app.add_subcommand("tokenize", "Show the tokens of texts");
  auto options = std::make_shared<TokenizeOptions>();
  AddTextInputOptions(*command, options->input);
  AddOutputOptions(*command, options->output, {"table", "jsonl"});
  command->footer(kExamples);
  command->callback([options, &globals, &action] {
    action = [options, &globals] { return RunTokenize(*options, globals); };
  });
}

}  // namespace synth::synthctl
