// synthctl inspect: what a checkpoint folder holds, what its layers cost, and how they attend.
// Needs no server.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/inspect/cost.h"
#include "client/inspect/heat_map.h"
#include "client/inspect/inspection.h"
#include "client/inspect/report.h"
#include "client/synthctl/options.h"
#include "client/synthctl/output.h"
#include "synth/inspect.h"
#include "synth/model.h"

namespace synth::synthctl {
namespace {

constexpr char kExamples[] =
    "Scores of type random and factorized_random are the same for every text; those of the other\n"
    "types follow the text, so the picture of such a layer needs --text.\n"
    "\n"
    "The picture has a row for each layer and a column for each head; in each cell the queries "
    "run\n"
    "down and the keys to the right. Each cell has a scale of its own: dark blue is 0, bright "
    "yellow\n"
    "the cell's largest weight.\n"
    "\n"
    "Multiply-adds leave out embeddings, norms, activations, softmax and the classifier. The "
    "bytes\n"
    "of attention are those that an engine in f32 holds once it has seen a text of so many "
    "tokens.\n"
    "\n"
    "Examples:\n"
    "  synthctl inspect models/intent-clinc150\n"
    "  synthctl inspect models/intent-clinc150 --tokens 32 --png attention.png\n"
    "  synthctl inspect my-model --text \"what is my balance\" --png attention.png\n"
    "  synthctl inspect my-model --output json | jq '.layers[].alpha'\n";

constexpr int kMaxDefaultTokens = 128;
constexpr int kJsonIndent = 2;

struct InspectOptions {
  std::string folder;
  std::optional<int> tokens;
  std::optional<std::string> text;
  std::string png;
  OutputOptions output;
};

using TokenIds = std::vector<std::int32_t>;

// A text that stands for any other, where no layer to be drawn looks at it.
absl::StatusOr<TokenIds> AnyText(const InspectOptions& options, const Model& model) {
  const ModelConfig& config = model.config();
  for (std::size_t i = 0; i < config.attention.size() && !options.png.empty(); ++i) {
    if (!DependsOnInput(config.attention[i])) continue;
    return absl::InvalidArgumentError(absl::StrCat("layer ", i, " (",
                                                   inspect::SourceName(config.attention[i]),
                                                   ") follows the text: --png needs a --text"));
  }
  const int tokens = options.tokens.value_or(std::min(model.max_text_tokens(), kMaxDefaultTokens));
  return TokenIds(static_cast<std::size_t>(tokens), 0);
}

// The tokens of --text, cut to --tokens where that is less.
absl::StatusOr<TokenIds> GivenText(const InspectOptions& options, const Model& model) {
  const Tokenizer* const tokenizer = model.tokenizer();
  if (tokenizer == nullptr) {
    return absl::InvalidArgumentError("--text: the checkpoint has no tokenizer");
  }
  absl::StatusOr<TokenIds> ids = tokenizer->Encode(*options.text);
  if (!ids.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--text: ", ids.status().message()));
  }
  if (ids->empty()) return absl::InvalidArgumentError("--text: the text has no tokens");
  const int limit = options.tokens.value_or(model.max_text_tokens());
  const int found = static_cast<int>(ids->size());
  if (options.tokens && found < limit) {
    return absl::InvalidArgumentError(
        absl::StrCat("--tokens ", limit, ": the text has only ", found, " tokens"));
  }
  if (found > limit) {
    const int shortest = 1 + tokenizer->special_tokens();
    if (limit < shortest) {
      return absl::InvalidArgumentError(absl::StrCat("--tokens ", limit,
                                                     ": with --text, expected at least ", shortest,
                                                     ", the special tokens and one more"));
    }
    tokenizer->Truncate(*ids, limit);
  }
  return ids;
}

absl::StatusOr<TokenIds> ChooseText(const InspectOptions& options, const Model& model) {
  const int longest = model.max_text_tokens();
  if (options.tokens.value_or(1) > longest) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--tokens ", *options.tokens, ": the model takes at most ", longest, " tokens"));
  }
  return options.text ? GivenText(options, model) : AnyText(options, model);
}

// Opens an output of the command, unless the folder is read from the same file.
absl::StatusOr<OutputFile> OpenOutput(const std::string& file, const InspectOptions& options,
                                      const ModelConfig& config) {
  const std::filesystem::path folder = options.folder;
  std::vector<std::filesystem::path> inputs = {folder / "config.json",
                                               folder / "model.safetensors"};
  if (config.tokenizer.has_value()) inputs.push_back(folder / config.tokenizer->file);
  for (const std::filesystem::path& input : inputs) {
    if (const auto id = RegularFileId(input); id.has_value() && id == RegularFileId(file)) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": is a part of the checkpoint"));
    }
  }
  return OutputFile::Open(file);
}

// The picture and where it goes.
struct Picture {
  inspect::HeatMap map;
  OutputFile file;
};

int RunInspect(const InspectOptions& options) {
  if (options.png == "-") return FailUsage("--png - : a picture needs a file");
  const auto model = Model::Load(options.folder);
  if (!model.ok()) return FailFile(model.status().message());
  absl::StatusOr<CheckpointFacts> facts = ReadCheckpointFacts(options.folder);
  if (!facts.ok()) return FailFile(facts.status().message());
  const absl::StatusOr<TokenIds> ids = ChooseText(options, **model);
  if (!ids.ok()) return FailUsage(ids.status().message());

  std::optional<Picture> picture;
  if (!options.png.empty()) {
    const ModelConfig& config = (*model)->config();
    auto map = inspect::HeatMap::Create(config.num_hidden_layers, config.num_attention_heads,
                                        static_cast<int>(ids->size()));
    if (!map.ok()) return FailUsage(map.status().message());
    auto file = OpenOutput(options.png, options, config);
    if (!file.ok()) return FailOpen(file.status());
    picture.emplace(Picture{*std::move(map), *std::move(file)});
  }
  auto output = OpenOutput(options.output.file, options, (*model)->config());
  if (!output.ok()) return FailOpen(output.status());
  if (picture && picture->file.SharesFileWith(*output)) {
    return FailUsage(absl::StrCat("--png and --out are one file, ", options.png));
  }

  const inspect::Inspection inspection =
      inspect::Inspect(**model, *std::move(facts), *ids, picture ? &picture->map : nullptr);
  const std::string report = options.output.format == "json"
                                 ? inspect::ReportJson(inspection).dump(kJsonIndent) + "\n"
                                 : inspect::ReportText(inspection);
  absl::Status written = output->Write(report);
  if (written.ok() && picture) written = picture->map.WritePng(picture->file.Get());
  if (written.ok()) written = output->Commit();
  if (written.ok() && picture) written = picture->file.Commit();
  return written.ok() ? kOk : FailFile(written.message());
}

}  // namespace

void AddInspect(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("inspect", "Show what a checkpoint holds, costs and attends to");
  auto options = std::make_shared<InspectOptions>();
  command->add_option("folder", options->folder, "the checkpoint; no server is asked")
      ->type_name("MODEL_DIR")
      ->required();
  command
      ->add_option("--tokens", options->tokens,
                   "the length of text that is looked at [--text: its own; else the model's "
                   "positions, at most 128]")
      ->type_name("N")
      ->check(CLI::Range(1, std::numeric_limits<int>::max()).description(""));
  command->add_option("--text", options->text, "look at this text, cut to --tokens")
      ->type_name("TEXT");
  command
      ->add_option("--png", options->png,
                   "also draw the attention of every layer and head, each cell scaled to its own "
                   "maximum")
      ->type_name("FILE");
  AddOutputOptions(*command, options->output, {"table", "json"});
  command->footer(kExamples);
  command->callback([options, &action] { action = [options] { return RunInspect(*options); }; });
}

}  // namespace synth::synthctl
