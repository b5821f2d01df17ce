#include "model/checkpoint/layouts/sentence_transformers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/json_object.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

using nlohmann::json;

constexpr std::string_view kModules = "modules.json";

constexpr std::size_t kMaxPrompts = 256;
constexpr std::size_t kMaxPromptName = 128;  // bytes
constexpr std::size_t kMaxPrompt = 4096;     // bytes

// In the order in which a folder may have them; only Dense may stand there more than once.
enum class Module { kTransformer, kPooling, kDense, kNormalize };
constexpr std::array kModuleTypes = {
    Choice<Module>{"sentence_transformers.models.Transformer", Module::kTransformer},
    Choice<Module>{"sentence_transformers.models.Pooling", Module::kPooling},
    Choice<Module>{"sentence_transformers.models.Dense", Module::kDense},
    Choice<Module>{"sentence_transformers.models.Normalize", Module::kNormalize}};

constexpr std::string_view kOrder = "Transformer, Pooling, Dense and Normalize in this order";
constexpr std::size_t kMaxModules = 8;

constexpr std::string_view kPoolingModePrefix = "pooling_mode_";
constexpr std::array kPoolingModes = {
    Choice<Pooling>{"pooling_mode_mean_tokens", Pooling::kMean},
    Choice<Pooling>{"pooling_mode_cls_token", Pooling::kCls},
    Choice<Pooling>{"pooling_mode_max_tokens", Pooling::kMax},
    Choice<Pooling>{"pooling_mode_mean_sqrt_len_tokens", Pooling::kMeanSqrtLen},
    Choice<Pooling>{"pooling_mode_weightedmean_tokens", Pooling::kWeightedMean},
    Choice<Pooling>{"pooling_mode_lasttoken", Pooling::kLastToken}};

constexpr std::array kProjectionActivations = {
    Choice<ProjectionActivation>{"torch.nn.modules.linear.Identity",
                                 ProjectionActivation::kIdentity},
    Choice<ProjectionActivation>{"torch.nn.modules.activation.Tanh", ProjectionActivation::kTanh},
    Choice<ProjectionActivation>{"torch.nn.modules.activation.ReLU", ProjectionActivation::kRelu}};

// Pooling of several kinds makes a longer vector, one behind the other, which is not computed here.
absl::Status ReadPoolingModes(const JsonObject& file, ModelConfig& config) {
  std::optional<Pooling> found;
  for (const auto& [key, value] : file.value.items()) {
    if (!key.starts_with(kPoolingModePrefix)) continue;
    const auto is_on = ReadBool(file, key);
    if (!is_on.ok()) return is_on.status();
    if (!*is_on) continue;
    const auto mode = std::ranges::find(kPoolingModes, key, &Choice<Pooling>::name);
    if (mode == kPoolingModes.end()) return KeyError(key, "false, as it is not known", &value);
    if (found) return KeyError(key, "one kind of pooling alone", &value);
    found = mode->value;
  }
  if (!found) return absl::InvalidArgumentError("expected a pooling_mode that is true, found none");
  config.pooling = *found;
  const auto size = ReadInt(file, "word_embedding_dimension", 1, kMaxSize);
  if (!size.ok()) return size.status();
  if (*size == config.hidden_size) return absl::OkStatus();
  return KeyError("word_embedding_dimension", Cat("hidden_size = ", config.hidden_size),
                  Find(file.value, "word_embedding_dimension"));
}

// The config.json of a Dense: the last of config.projections.
absl::Status ReadDense(const JsonObject& file, ModelConfig& config) {
  ProjectionConfig& dense = config.projections.back();
  const int in_features = config.projections.size() == 1
                              ? config.hidden_size
                              : config.projections[config.projections.size() - 2].out_features;
  absl::Status status = Store(ReadInt(file, "in_features", 1, kMaxSize), dense.in_features);
  status.Update(Store(ReadInt(file, "out_features", 1, kMaxSize), dense.out_features));
  if (Find(file.value, "bias") != nullptr) {
    status.Update(Store(ReadBool(file, "bias"), dense.has_bias));
  }
  status.Update(
      Store(ReadChoice(file, "activation_function", kProjectionActivations), dense.activation));
  if (!status.ok()) return status;
  for (const std::string_view key : {"module_input_name", "module_output_name"}) {
    const json* const name = Find(file.value, key);
    if (name != nullptr && !name->is_null() && *name != "sentence_embedding") {
      return KeyError(key, "\"sentence_embedding\"", name);
    }
  }
  if (dense.in_features == in_features) return absl::OkStatus();
  return KeyError("in_features", Cat(in_features, ", what comes in"),
                  Find(file.value, "in_features"));
}

// Runs `read` on what stands in the file `name`, which its errors name.
template <typename Read>
absl::Status ReadObject(const Folder& folder, std::string_view name, const json& value,
                        ModelConfig& config, Read read) {
  absl::Status status = value.is_object() ? read(JsonObject{value, ""}, config)
                                          : absl::InvalidArgumentError("expected a JSON object");
  return status.ok() ? status : InFile(folder.path() / name, status);
}

// Runs `read` on a file of JSON, if there is one.
template <typename Read>
absl::Status ReadIfThere(Folder& folder, std::string_view name, ModelConfig& config, Read read) {
  const auto value = folder.ReadJsonIfThere(name);
  if (!value.ok()) return value.status();
  if (!*value) return absl::OkStatus();
  return ReadObject(folder, name, **value, config, read);
}

absl::Status ReadTransformerSettings(const JsonObject& file, ModelConfig& config) {
  if (Find(file.value, "do_lower_case") != nullptr) {
    const auto lower = ReadBool(file, "do_lower_case");
    if (!lower.ok()) return lower.status();
    if (*lower) return KeyError("do_lower_case", "false", Find(file.value, "do_lower_case"));
  }
  if (Find(file.value, "max_seq_length") == nullptr) return absl::OkStatus();
  const auto length = ReadInt(file, "max_seq_length", 1, config.max_position_embeddings);
  if (!length.ok()) return length.status();
  config.max_seq_length = *length;
  return absl::OkStatus();
}

absl::Status ReadPrompts(const JsonObject& file, ModelConfig& config) {
  const json* const prompts = Find(file.value, "prompts");
  if (prompts != nullptr) {
    if (!prompts->is_object() || prompts->size() > kMaxPrompts) {
      return KeyError("prompts", Cat("an object of at most ", kMaxPrompts, " prompts"), prompts);
    }
    for (const auto& [name, prompt] : prompts->items()) {
      if (name.empty() || name.size() > kMaxPromptName) {
        return KeyError("prompts", Cat("names of 1 to ", kMaxPromptName, " bytes"), prompts);
      }
      const std::string where = Cat("prompts.", name);
      if (!prompt.is_string() || prompt.get_ref<const std::string&>().size() > kMaxPrompt) {
        return KeyError(where, Cat("a text of at most ", kMaxPrompt, " bytes"), &prompt);
      }
      config.prompts[name] = prompt.get<std::string>();
    }
  }
  const json* const chosen = Find(file.value, "default_prompt_name");
  if (chosen == nullptr) return absl::OkStatus();
  const auto name = ReadString(file, "default_prompt_name");
  if (!name.ok()) return name.status();
  if (!config.prompts.contains(*name)) {
    return KeyError("default_prompt_name", "the name of a prompt", chosen);
  }
  config.default_prompt_name = *name;
  return absl::OkStatus();
}

// Whether the tokens of a prompt are pooled with those of the text.
absl::Status CheckPromptIsPooled(const JsonObject& file, const ModelConfig& config) {
  if (config.prompts.empty() || Find(file.value, "include_prompt") == nullptr) {
    return absl::OkStatus();
  }
  const auto include = ReadBool(file, "include_prompt");
  if (!include.ok()) return include.status();
  if (*include) return absl::OkStatus();
  return KeyError("include_prompt", "true, for the folder has prompts",
                  Find(file.value, "include_prompt"));
}

// What modules.json says.
struct Modules {
  std::string pooling;             // the folder of the module Pooling
  std::vector<std::string> dense;  // those of the modules Dense
  bool normalize = false;
};

absl::StatusOr<Modules> ReadModules(const json& value) {
  if (!value.is_array() || value.size() < 2 || value.size() > kMaxModules) {
    return KeyError("modules",
                    Cat("an array of Transformer, Pooling and perhaps more, at most ", kMaxModules),
                    &value);
  }
  Modules modules;
  int previous = -1;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string where = Cat("modules[", i, "]");
    if (!value[i].is_object()) return KeyError(where, "an object", &value[i]);
    const JsonObject module{value[i], where};
    const auto type = ReadChoice(module, "type", kModuleTypes);
    if (!type.ok()) return type.status();
    const int place = static_cast<int>(*type);
    const bool is_first_or_second = i < 2;
    if (is_first_or_second ? place != static_cast<int>(i)
                           : place < previous || (place == previous && *type != Module::kDense)) {
      return KeyError(module.Path("type"), kOrder, Find(value[i], "type"));
    }
    previous = place;
    const auto path = ReadString(module, "path");
    if (!path.ok()) return path.status();
    if (*type == Module::kTransformer && !path->empty()) {
      return KeyError(module.Path("path"), "\"\": the encoder in the folder itself",
                      Find(value[i], "path"));
    }
    if ((*type == Module::kPooling || *type == Module::kDense) && !IsPlainFileName(*path)) {
      return KeyError(module.Path("path"), "the name of a folder", Find(value[i], "path"));
    }
    if (*type == Module::kPooling) modules.pooling = *path;
    if (*type == Module::kDense) modules.dense.push_back(*path);
    if (*type == Module::kNormalize) modules.normalize = true;
  }
  return modules;
}

// The config.json of a module.
absl::StatusOr<json> ReadModuleConfig(Folder& folder, std::string_view name) {
  auto value = folder.ReadJsonIfThere(name);
  if (!value.ok()) return value.status();
  if (*value) return **std::move(value);
  return absl::NotFoundError(
      Cat((folder.path() / name).string(), ": missing, but modules.json names it"));
}

absl::Status ReadProjections(Folder& folder, const std::vector<std::string>& dense,
                             ModelConfig& config) {
  for (const std::string& path : dense) {
    const std::string file = Cat(path, "/config.json");
    const auto value = ReadModuleConfig(folder, file);
    if (!value.ok()) return value.status();
    config.projections.push_back({.folder = path});
    if (absl::Status status = ReadObject(folder, file, *value, config, ReadDense); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadSentenceTransformers(Folder& folder, ModelConfig& config) {
  const auto value = folder.ReadJsonIfThere(kModules);
  if (!value.ok()) return value.status();
  if (!*value) return absl::OkStatus();
  if (config.classifier) {
    return InFile(folder.path() / kModules,
                  absl::InvalidArgumentError("expected a folder whose config.json has no "
                                             "classifier, found one with a classifier"));
  }
  const auto modules = ReadModules(**value);
  if (!modules.ok()) return InFile(folder.path() / kModules, modules.status());
  config.normalize = modules->normalize;
  const std::string pooling_file = Cat(modules->pooling, "/config.json");
  // Read once, for a file counts in the digest each time; needed twice, for prompts come later.
  const auto pooling = ReadModuleConfig(folder, pooling_file);
  if (!pooling.ok()) return pooling.status();
  absl::Status status = ReadObject(folder, pooling_file, *pooling, config, ReadPoolingModes);
  status.Update(ReadProjections(folder, modules->dense, config));
  status.Update(ReadIfThere(folder, "sentence_bert_config.json", config, ReadTransformerSettings));
  status.Update(ReadIfThere(folder, "config_sentence_transformers.json", config, ReadPrompts));
  status.Update(ReadObject(folder, pooling_file, *pooling, config, CheckPromptIsPooled));
  return status;
}

}  // namespace synth
