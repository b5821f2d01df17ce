// synthctl encode: texts to vectors.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/synthctl/format.h"
#include "client/synthctl/long_texts.h"
#include "client/synthctl/npy.h"
#include "client/synthctl/options.h"
#include "client/synthctl/output.h"
#include "client/synthctl/run_texts.h"
#include "client/synthctl/text_input.h"
#include "synth/client/embedding.h"

namespace synth::synthctl {
namespace {

using EncodeItem = client::BulkResult<v1::EncodeResult>;
using EncodeWriter = ResultWriter<v1::EncodeResult>;

constexpr char kExamples[] =
    "Examples:\n"
    "  synthctl encode \"what is my balance\"\n"
    "  synthctl encode --file texts.txt --normalize --output npy --out vectors.npy\n"
    "  synthctl encode --output jsonl < texts.txt | jq .embedding\n"
    "\n"
    "npy is a float32 array [texts, dimensions] for numpy.load(); the row of a text that failed is "
    "NaN.\n"
    "jsonl writes one line per text, in order, as soon as it is there; a text that failed has "
    "\"error\".\n";

struct EncodeOptions {
  TextInputOptions input;
  OutputOptions output;
  std::string pooling = "model";
  std::optional<bool> normalize;  // none: as the model has it
  std::optional<std::uint32_t> dimensions;
  std::optional<std::string> prompt;  // none: the model's default; empty: no prompt
  std::string wire = "floats";
  LongTextOptions long_texts;
};

v1::Pooling PoolingOf(const std::string& name) {
  v1::Pooling pooling = v1::POOLING_UNSPECIFIED;  // "model"
  v1::Pooling_Parse(absl::StrCat("POOLING_", absl::AsciiStrToUpper(name)), &pooling);
  return pooling;
}

v1::EmbeddingFormat FormatOf(const std::string& wire) {
  if (wire == "f32") return v1::EMBEDDING_FORMAT_F32;
  if (wire == "f16") return v1::EMBEDDING_FORMAT_F16;
  if (wire == "int8") return v1::EMBEDDING_FORMAT_INT8;
  return v1::EMBEDDING_FORMAT_UNSPECIFIED;
}

// Turns vectors that came as bytes into floats, for the writer behind it. Copies every result.
class BytesReader : public EncodeWriter {
 public:
  BytesReader(v1::EmbeddingFormat format, std::unique_ptr<EncodeWriter> next)
      : format_(format), next_(std::move(next)) {}

  absl::Status Write(const EncodeItem& item) override {
    if (!item.status.ok()) return next_->Write(item);
    const absl::StatusOr<std::vector<float>> vector = client::Embedding(item.result, format_);
    if (!vector.ok()) return vector.status();
    EncodeItem decoded = item;
    decoded.result.mutable_embedding()->Assign(vector->begin(), vector->end());
    return next_->Write(decoded);
  }
  absl::Status Finish() override { return next_->Finish(); }

 private:
  const v1::EmbeddingFormat format_;
  const std::unique_ptr<EncodeWriter> next_;
};

class TableWriter : public EncodeWriter {
 public:
  explicit TableWriter(OutputFile& output) : output_(output) {}

  absl::Status Write(const EncodeItem& item) override {
    std::string text;
    if (item.index == 0) {
      text = absl::StrFormat("%6s %9s %9s  %-44s %s\n", "#", "tokens", "norm", "vector", "text");
    }
    const std::string excerpt = OneLine(item.text, kExcerptBytes);
    if (!item.status.ok()) {
      absl::StrAppendFormat(&text, "%6d %9s %9s  %-44s %s\n", item.index + 1, "-", "-", "failed",
                            excerpt);
      return output_.Write(text);
    }
    const auto& vector = item.result.embedding();
    double squares = 0;
    for (const float value : vector)
      squares += static_cast<double>(value) * static_cast<double>(value);
    std::string beginning = absl::StrCat("[", vector.size(), "]");
    for (int i = 0; i < std::min(vector.size(), kShownValues); ++i) {
      absl::StrAppendFormat(&beginning, " %.4f", vector[i]);
    }
    absl::StrAppendFormat(&text, "%6d %9s %9.4f  %-44s %s\n", item.index + 1,
                          TokensCell(item.result.usage()), std::sqrt(squares), beginning + " ...",
                          excerpt);
    return output_.Write(text);
  }

 private:
  static constexpr std::size_t kExcerptBytes = 60;
  static constexpr int kShownValues = 4;
  OutputFile& output_;
};

class JsonlWriter : public EncodeWriter {
 public:
  explicit JsonlWriter(OutputFile& output) : output_(output) {}

  absl::Status Write(const EncodeItem& item) override {
    if (!item.status.ok()) {
      return output_.Write(JsonLine({{"index", item.index}, {"error", ErrorJson(item.status)}}));
    }
    const v1::TextUsage& usage = item.result.usage();
    // By hand: the JSON library would write each float with the 17 digits of a double.
    std::string line = absl::StrFormat(
        R"({"index":%d,"tokens":%d,"truncated":%s,"original_tokens":%d,"windows":%d,"embedding":[)",
        item.index, usage.tokens(), usage.truncated() ? "true" : "false", usage.original_tokens(),
        usage.windows());
    const char* separator = "";
    for (const float value : item.result.embedding()) {
      line += separator;
      AppendJsonFloat(line, value);
      separator = ",";
    }
    line += "]}\n";
    return output_.Write(line);
  }

 private:
  OutputFile& output_;
};

class NpyResultWriter : public EncodeWriter {
 public:
  explicit NpyResultWriter(const OutputFile& output) : npy_(output.Get()) {}

  absl::Status Write(const EncodeItem& item) override {
    if (!item.status.ok()) {
      ++failed_;
      return absl::OkStatus();
    }
    const auto& vector = item.result.embedding();
    if (absl::Status status = WriteFailed(static_cast<std::size_t>(vector.size())); !status.ok()) {
      return status;
    }
    columns_ = static_cast<std::size_t>(vector.size());
    return npy_.WriteRow({vector.data(), columns_});
  }

  absl::Status Finish() override {
    if (absl::Status status = WriteFailed(columns_); !status.ok()) return status;
    return npy_.Finish();
  }

 private:
  // Writes the rows of the failed texts since the last good one. They wait for the next good text
  // because only that tells their length.
  absl::Status WriteFailed(std::size_t columns) {
    const std::vector<float> row(columns, std::numeric_limits<float>::quiet_NaN());
    for (; failed_ > 0; --failed_) {
      if (absl::Status status = npy_.WriteRow(row); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  NpyWriter npy_;
  std::size_t columns_ = 0;  // of the last good row
  std::size_t failed_ = 0;   // texts whose rows are not written yet
};

std::unique_ptr<EncodeWriter> MakeWriter(const std::string& format, OutputFile& output) {
  if (format == "npy") return std::make_unique<NpyResultWriter>(output);
  if (format == "jsonl") return std::make_unique<JsonlWriter>(output);
  return std::make_unique<TableWriter>(output);
}

int RunEncode(const EncodeOptions& options, const GlobalOptions& globals) {
  auto opened = OpenTextRun(options.input, options.output, globals);
  if (const int* code = std::get_if<int>(&opened)) return *code;
  auto& run = std::get<TextRun>(opened);
  if (options.output.format == "npy" && run.output.IsTerminal()) {
    return FailUsage("npy is binary: use --out FILE, or redirect standard output");
  }

  v1::EncodeRequest settings;
  settings.set_model(globals.model);
  settings.set_pooling(PoolingOf(options.pooling));
  if (options.normalize) settings.set_normalize(*options.normalize);
  if (options.dimensions) settings.set_dimensions(*options.dimensions);
  if (options.prompt) settings.set_prompt_name(*options.prompt);
  settings.set_embedding_format(FormatOf(options.wire));
  options.long_texts.SetIn(settings);
  std::unique_ptr<EncodeWriter> writer = MakeWriter(options.output.format, run.output);
  if (const auto format = settings.embedding_format(); format != v1::EMBEDDING_FORMAT_UNSPECIFIED) {
    writer = std::make_unique<BytesReader>(format, std::move(writer));
  }
  return RunTexts<v1::EncodeResult>(
      *run.input, run.output, *writer,
      [&](const client::BulkSource& source, const client::BulkSink<v1::EncodeResult>& sink) {
        return client::EncodeBulk(*run.client, settings, source, sink, options.input.ForBulk());
      });
}

}  // namespace

void AddEncode(CLI::App& app, const GlobalOptions& globals, Action& action) {
  CLI::App* command = app.add_subcommand("encode", "Turn texts into vectors");
  auto options = std::make_shared<EncodeOptions>();
  AddTextInputOptions(*command, options->input);
  AddOutputOptions(*command, options->output, {"table", "jsonl", "npy"});
  command->add_option("--pooling", options->pooling, "how token states become one vector")
      ->type_name("model|mean|cls|max|mean_sqrt_len|weighted_mean|last_token")
      ->check(CLI::IsMember(
                  {"model", "mean", "cls", "max", "mean_sqrt_len", "weighted_mean", "last_token"})
                  .description(""))
      ->capture_default_str();
  command->add_flag_function(
      "--normalize,!--no-normalize",
      [options](std::int64_t count) { options->normalize = count > 0; },
      "scale each vector to length 1, or do not; default: as the model has it");
  command
      ->add_option("--dimensions", options->dimensions,
                   "give only so many of a vector's first values, for models trained for it")
      ->type_name("N");
  command
      ->add_option("--prompt", options->prompt,
                   "which of the model's prompts is put before each text; \"\": none; default: "
                   "the model's default")
      ->type_name("NAME");
  command
      ->add_option("--wire", options->wire,
                   "how vectors travel: int8 takes a quarter of the bytes and rounds")
      ->type_name("floats|f32|f16|int8")
      ->check(CLI::IsMember({"floats", "f32", "f16", "int8"}).description(""))
      ->capture_default_str();
  AddLongTextOptions(*command, options->long_texts);
  command->footer(kExamples);
  command->callback([options, &globals, &action] {
    action = [options, &globals] { return RunEncode(*options, globals); };
  });
}

}  // namespace synth::synthctl
