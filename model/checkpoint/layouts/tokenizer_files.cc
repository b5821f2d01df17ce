#include "model/checkpoint/layouts/tokenizer_files.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/json_object.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

using nlohmann::json;

constexpr std::string_view kTokenizerJson = "tokenizer.json";
constexpr std::string_view kTokenizerConfig = "tokenizer_config.json";

// A folder that has settings of a tokenizer has lost the rest of it.
absl::Status CheckNoTokenizer(const Folder& folder, std::string_view expected) {
  if (!folder.Has(kTokenizerConfig)) return absl::OkStatus();
  return InFile(folder.path() / kTokenizerConfig,
                absl::InvalidArgumentError(Cat("expected ", expected, " beside it, found none")));
}

// A token as tokenizer_config.json writes it: a string, or an object with its content.
absl::Status ReadToken(const JsonObject& file, std::string_view key,
                       std::optional<std::string>& into) {
  const json* const value = Find(file.value, key);
  if (value == nullptr) return absl::OkStatus();
  const auto token = value->is_object() ? ReadString({*value, std::string(key)}, "content")
                                        : ReadString(file, key);
  if (token.ok()) into = *token;
  return token.status();
}

absl::Status ReadTokenizerConfig(const JsonObject& file, TokenizerConfig& tokenizer) {
  absl::Status status;
  const auto read_flag = [&](std::string_view key, auto& into) {
    if (Find(file.value, key) == nullptr) return;
    const auto flag = ReadBool(file, key);
    status.Update(flag.status());
    if (flag.ok()) into = *flag;
  };
  bool do_basic_tokenize = true;
  read_flag("do_lower_case", tokenizer.do_lower_case);
  read_flag("tokenize_chinese_chars", tokenizer.tokenize_chinese_chars);
  read_flag("strip_accents", tokenizer.strip_accents);
  read_flag("do_basic_tokenize", do_basic_tokenize);
  if (!do_basic_tokenize) {
    status.Update(KeyError("do_basic_tokenize", "true", Find(file.value, "do_basic_tokenize")));
  }
  if (const json* const never = Find(file.value, "never_split");
      never != nullptr && !never->empty()) {
    status.Update(KeyError("never_split", "nothing", never));
  }
  status.Update(ReadToken(file, "cls_token", tokenizer.cls_token));
  status.Update(ReadToken(file, "sep_token", tokenizer.sep_token));
  return status;
}

}  // namespace

absl::Status FindWordPiece(Folder& folder, ModelConfig& config) {
  TokenizerConfig tokenizer;
  if (folder.Has(kTokenizerJson)) {
    tokenizer.type = TokenizerType::kTokenizerJson;
    tokenizer.file = kTokenizerJson;
  } else if (folder.Has("vocab.txt")) {
    tokenizer.type = TokenizerType::kWordPiece;
    tokenizer.file = "vocab.txt";
    tokenizer.cls_token = "[CLS]";
    tokenizer.sep_token = "[SEP]";
    const auto file = folder.ReadJsonIfThere(kTokenizerConfig);
    if (!file.ok()) return file.status();
    if (*file) {
      absl::Status status = (*file)->is_object()
                                ? ReadTokenizerConfig({**file, ""}, tokenizer)
                                : absl::InvalidArgumentError("expected a JSON object");
      if (!status.ok()) return InFile(folder.path() / kTokenizerConfig, status);
    }
  } else {
    return CheckNoTokenizer(folder, "tokenizer.json or vocab.txt");
  }
  config.tokenizer = std::move(tokenizer);
  return absl::OkStatus();
}

absl::Status FindTokenizerJson(Folder& folder, ModelConfig& config) {
  if (folder.Has(kTokenizerJson)) {
    TokenizerConfig tokenizer;
    tokenizer.type = TokenizerType::kTokenizerJson;
    tokenizer.file = kTokenizerJson;
    config.tokenizer = std::move(tokenizer);
    return absl::OkStatus();
  }
  for (const std::string_view older : {"vocab.json", "merges.txt", "sentencepiece.bpe.model"}) {
    if (!folder.Has(older)) continue;
    return InFile(folder.path() / older,
                  absl::InvalidArgumentError("expected tokenizer.json beside it, found none: this "
                                             "file alone is not read"));
  }
  return CheckNoTokenizer(folder, kTokenizerJson);
}

}  // namespace synth
