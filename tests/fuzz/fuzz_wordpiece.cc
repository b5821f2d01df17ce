#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/checkpoint/input_file.h"
#include "model/text/bert_normalizer.h"
#include "model/text/tokenizer_json.h"
#include "model/text/wordpiece_tokenizer.h"
#include "synth/tokenizer.h"
#include "synth/utf8.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/paths.h"

int FuzzWordpiece(const std::uint8_t* data, std::size_t size);

namespace {

std::unique_ptr<const synth::Tokenizer> Load(std::string_view name) {
  const auto path = synth::paths::SourcePath("tests/model/text/wordpiece") / name;
  const auto file = synth::InputFile::Open(path);
  synth::FuzzCheck(file.ok());
  const auto bytes = file->ReadAll();
  synth::FuzzCheck(bytes.ok());
  auto loaded = synth::LoadTokenizerJson(*bytes);
  synth::FuzzCheck(loaded.ok());
  return *std::move(loaded);
}

void CheckText(const synth::Tokenizer& tokenizer, std::string_view text) {
  const std::optional<std::size_t> invalid = synth::FirstInvalidUtf8(text);
  const auto ids = tokenizer.Encode(text);
  synth::FuzzCheck(ids.ok() == !invalid.has_value());
  if (!ids.ok()) return;
  const auto special = static_cast<std::size_t>(tokenizer.special_tokens());
  synth::FuzzCheck(ids->size() >= special);
  // At most five bytes come of the three of a character: each may be a token.
  synth::FuzzCheck(ids->size() <= 3 * text.size() + special);
  for (const std::int32_t id : *ids) {
    synth::FuzzCheck(id >= 0 && id < tokenizer.vocab_size());
  }
}

void CheckNormalizer(std::string_view text) {
  static const synth::BertNormalizer kUncased({});
  static const synth::BertNormalizer kLowercase({.strip_accents = false});
  if (synth::FirstInvalidUtf8(text)) return;
  for (const synth::BertNormalizer* normalizer : {&kUncased, &kLowercase}) {
    std::string normalized;
    normalizer->Normalize(text, normalized);
    synth::FuzzCheck(!synth::FirstInvalidUtf8(normalized));
    synth::FuzzCheck(normalized.size() <= 3 * text.size());
    synth::FuzzCheck(std::none_of(normalized.begin(), normalized.end(),
                                  [](char c) { return c >= 'A' && c <= 'Z'; }));
  }
}

}  // namespace

// The bytes are a text, a vocab.txt and a tokenizer.json.
int FuzzWordpiece(const std::uint8_t* data, std::size_t size) {
  static const auto kUncased = Load("uncased.json");
  static const auto kCased = Load("cased.json");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckText(*kUncased, bytes);
  CheckText(*kCased, bytes);
  CheckNormalizer(bytes);
  for (auto load : {+[](std::string_view file) { return synth::LoadWordPiece({}, file); },
                    +[](std::string_view file) { return synth::LoadTokenizerJson(file); }}) {
    if (const auto loaded = load(bytes); loaded.ok()) {
      CheckText(**loaded, bytes);
      CheckText(**loaded, "play unaffable \u00C9 [SEP]<s>");
    } else {
      synth::FuzzCheck(!loaded.status().message().empty());
    }
  }
  return 0;
}
