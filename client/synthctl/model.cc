// synthctl model: what the server has loaded.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/synthctl/format.h"
#include "client/synthctl/options.h"

namespace synth::synthctl {
namespace {

using nlohmann::ordered_json;

constexpr char kExamples[] =
    "Examples:\n"
    "  synthctl model\n"
    "  synthctl model --json | jq -r .labels[]\n";

constexpr int kJsonIndent = 2;
constexpr int kLabelsShown = 8;  // of those in the text for people

// The config as JSON, or as the text it came as where it is none.
ordered_json ConfigJson(const std::string& config) {
  ordered_json parsed = ordered_json::parse(config, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? ordered_json(config) : parsed;
}

// "mean", "last_token", ... as `synthctl encode --pooling` takes it.
std::string PoolingName(v1::Pooling pooling) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Pooling_Name(pooling), "POOLING_"));
}

ordered_json ToJson(const v1::GetModelResponse& model) {
  return {{"name", model.model().name()},
          {"digest", model.model().digest()},
          {"server_version", model.server_version()},
          {"precision", model.precision()},
          {"instruction_set", model.instruction_set()},
          {"family", model.family()},
          {"dimensions", model.dimensions()},
          {"pooling", PoolingName(model.pooling())},
          {"normalize", model.normalize()},
          {"prompts",
           std::map<std::string, std::string>(model.prompts().begin(), model.prompts().end())},
          {"default_prompt_name", model.default_prompt_name()},
          {"problem_type", model.problem_type()},
          {"parameters",
           {{"total", model.parameters().total()},
            {"embeddings", model.parameters().embeddings()},
            {"scores", model.parameters().scores()}}},
          {"memory",
           {{"weight_bytes", model.memory().weight_bytes()},
            {"attention_bytes", model.memory().attention_bytes()}}},
          {"limits",
           {{"max_texts", model.limits().max_texts()},
            {"max_text_bytes", model.limits().max_text_bytes()},
            {"max_text_tokens", model.limits().max_text_tokens()},
            {"max_message_bytes", model.limits().max_message_bytes()}}},
          {"other_models",
           std::vector<std::string>(model.other_models().begin(), model.other_models().end())},
          {"labels", std::vector<std::string>(model.labels().begin(), model.labels().end())},
          {"config", ConfigJson(model.config_json())}};
}

// Sorted names, each with its prompt: names of a map come in any order.
std::string Prompts(const v1::GetModelResponse& model) {
  const std::map<std::string, std::string> prompts(model.prompts().begin(), model.prompts().end());
  return absl::StrJoin(prompts, ", ", [&](std::string* out, const auto& prompt) {
    absl::StrAppend(out, prompt.first,
                    prompt.first == model.default_prompt_name() ? " (default)" : "", " = ",
                    ordered_json(prompt.second).dump());
  });
}

std::string ToText(const v1::GetModelResponse& model) {
  constexpr double kMebi = 1 << 20;
  const auto mebibytes = [](uint64_t bytes) { return static_cast<double>(bytes) / kMebi; };
  std::string text;
  absl::StrAppendFormat(&text, "model       %s\n", model.model().name());
  absl::StrAppendFormat(&text, "digest      %s\n", model.model().digest());
  absl::StrAppendFormat(&text, "server      synthserve %s\n", model.server_version());
  absl::StrAppendFormat(&text, "precision   %s, on %s kernels\n", model.precision(),
                        model.instruction_set());
  absl::StrAppendFormat(&text, "family      %s\n", model.family());
  absl::StrAppendFormat(&text, "vectors     %d dimensions, %s pooling, %s\n", model.dimensions(),
                        PoolingName(model.pooling()),
                        model.normalize() ? "scaled to length 1" : "not scaled");
  if (!model.prompts().empty()) {
    absl::StrAppendFormat(&text, "prompts     %s\n", Prompts(model));
  }
  absl::StrAppendFormat(&text, "parameters  %d: %d in embeddings, %d in attention scores\n",
                        model.parameters().total(), model.parameters().embeddings(),
                        model.parameters().scores());
  absl::StrAppendFormat(&text, "memory      %.1f MiB of weights, %.1f MiB of computed attention\n",
                        mebibytes(model.memory().weight_bytes()),
                        mebibytes(model.memory().attention_bytes()));
  absl::StrAppendFormat(
      &text, "limits      %d texts/request, %d bytes/text, %d tokens/text, %d bytes/request\n",
      model.limits().max_texts(), model.limits().max_text_bytes(), model.limits().max_text_tokens(),
      model.limits().max_message_bytes());
  if (model.labels().empty()) {
    absl::StrAppend(&text, "labels      none: the model has no classifier\n");
  } else {
    const int shown = std::min(model.labels_size(), kLabelsShown);
    absl::StrAppendFormat(
        &text, "labels      %d: %s%s\n", model.labels_size(),
        absl::StrJoin(model.labels().begin(), model.labels().begin() + shown, ", "),
        shown < model.labels_size() ? ", ... (--json has all)" : "");
  }
  if (!model.other_models().empty()) {
    absl::StrAppendFormat(&text, "others      %s\n", absl::StrJoin(model.other_models(), ", "));
  }
  ordered_json config = ConfigJson(model.config_json());
  if (config.is_object()) config.erase("id2label");  // the labels above
  absl::StrAppendFormat(&text, "config      %s\n", config.dump(kJsonIndent));
  return text;
}

int RunModel(bool json, const GlobalOptions& globals) {
  auto client = client::Client::Create(globals.ForClient(kDefaultAttempts));
  if (!client.ok()) return FailUsage(client.status().message());
  v1::GetModelRequest request;
  request.set_model(globals.model);
  const absl::StatusOr<v1::GetModelResponse> model = (*client)->GetModel(request);
  if (!model.ok()) return FailServer(model.status());
  const std::string text = json ? ToJson(*model).dump(kJsonIndent) + "\n" : ToText(*model);
  std::fputs(text.c_str(), stdout);
  return kOk;
}

}  // namespace

void AddModel(CLI::App& app, const GlobalOptions& globals, Action& action) {
  CLI::App* command =
      app.add_subcommand("model", "Show the model, its sizes and the server's limits");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "write JSON");
  command->footer(kExamples);
  command->callback([json, &globals, &action] {
    action = [json, &globals] { return RunModel(*json, globals); };
  });
}

}  // namespace synth::synthctl
