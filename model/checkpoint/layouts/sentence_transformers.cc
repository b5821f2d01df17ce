#include "model/checkpoint/layouts/sentence_transformers.h"

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

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

enum class Module { kTransformer, kPooling, kNormalize };
constexpr std::array kModuleTypes = {
    Choice<Module>{"sentence_transformers.models.Transformer", Module::kTransformer},
    Choice<Module>{"sentence_transformers.models.Pooling", Module::kPooling},
    Choice<Module>{"sentence_transformers.models.Normalize", Module::kNormalize}};

struct PoolingMode {
  std::string_view key;
  std::optional<Pooling> pooling;  // nothing: not computed here
};
constexpr std::array kPoolingModes = {
    PoolingMode{"pooling_mode_mean_tokens", Pooling::kMean},
    PoolingMode{"pooling_mode_cls_token", Pooling::kCls},
    PoolingMode{"pooling_mode_max_tokens", Pooling::kMax},
    PoolingMode{"pooling_mode_mean_sqrt_len_tokens", std::nullopt},
    PoolingMode{"pooling_mode_weightedmean_tokens", std::nullopt},
    PoolingMode{"pooling_mode_lasttoken", std::nullopt}};

// Pooling of several kinds makes a longer vector, one behind the other.
absl::Status ReadPoolingModes(const JsonObject& file, ModelConfig& config) {
  std::optional<Pooling> found;
  for (const PoolingMode& mode : kPoolingModes) {
    if (Find(file.value, mode.key) == nullptr) continue;
    const auto is_on = ReadBool(file, mode.key);
    if (!is_on.ok()) return is_on.status();
    if (!*is_on) continue;
    if (!mode.pooling || found) {
      return KeyError(mode.key, "mean, cls or max pooling alone", Find(file.value, mode.key));
    }
    found = mode.pooling;
  }
  if (!found) return absl::InvalidArgumentError("expected a pooling_mode that is true, found none");
  config.pooling = *found;
  const auto size = ReadInt(file, "word_embedding_dimension", 1, kMaxSize);
  if (!size.ok()) return size.status();
  if (*size == config.hidden_size) return absl::OkStatus();
  return KeyError("word_embedding_dimension", Cat("hidden_size = ", config.hidden_size),
                  Find(file.value, "word_embedding_dimension"));
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

// Gives the folder of the Pooling module.
absl::StatusOr<std::string> ReadModules(const json& modules, ModelConfig& config) {
  if (!modules.is_array() || modules.size() < 2 || modules.size() > kModuleTypes.size()) {
    return KeyError("modules", "an array of Transformer, Pooling and perhaps Normalize", &modules);
  }
  std::string pooling;
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const std::string where = Cat("modules[", i, "]");
    if (!modules[i].is_object()) return KeyError(where, "an object", &modules[i]);
    const JsonObject module{modules[i], where};
    const auto type = ReadChoice(module, "type", kModuleTypes);
    if (!type.ok()) return type.status();
    if (static_cast<std::size_t>(*type) != i) {
      return KeyError(module.Path("type"), "Transformer, Pooling and Normalize in this order",
                      Find(modules[i], "type"));
    }
    const auto path = ReadString(module, "path");
    if (!path.ok()) return path.status();
    if (*type == Module::kTransformer && !path->empty()) {
      return KeyError(module.Path("path"), "\"\": the encoder in the folder itself",
                      Find(modules[i], "path"));
    }
    if (*type == Module::kPooling) {
      if (!IsPlainFileName(*path)) {
        return KeyError(module.Path("path"), "the name of a folder", Find(modules[i], "path"));
      }
      pooling = *path;
    }
    config.normalize = *type == Module::kNormalize;
  }
  return pooling;
}

}  // namespace

absl::Status ReadSentenceTransformers(Folder& folder, ModelConfig& config) {
  const auto modules = folder.ReadJsonIfThere(kModules);
  if (!modules.ok()) return modules.status();
  if (!*modules) return absl::OkStatus();
  const auto pooling_folder = ReadModules(**modules, config);
  if (!pooling_folder.ok()) return InFile(folder.path() / kModules, pooling_folder.status());
  const std::string pooling_file = Cat(*pooling_folder, "/config.json");
  // Read once, for a file counts in the digest each time; needed twice, for prompts come later.
  const auto pooling = folder.ReadJsonIfThere(pooling_file);
  if (!pooling.ok()) return pooling.status();
  if (!*pooling) {
    return absl::NotFoundError(
        Cat((folder.path() / pooling_file).string(), ": missing, but modules.json names it"));
  }
  absl::Status status = ReadObject(folder, pooling_file, **pooling, config, ReadPoolingModes);
  status.Update(ReadIfThere(folder, "sentence_bert_config.json", config, ReadTransformerSettings));
  status.Update(ReadIfThere(folder, "config_sentence_transformers.json", config, ReadPrompts));
  status.Update(ReadObject(folder, pooling_file, **pooling, config, CheckPromptIsPooled));
  return status;
}

}  // namespace synth
