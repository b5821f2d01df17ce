#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "model/checkpoint/input_file.h"
#include "model/text/sentencepiece_tokenizer.h"
#include "synth/config.h"
#include "synth/utf8.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/paths.h"

int FuzzTokenizer(const std::uint8_t* data, std::size_t size);

namespace {

const synth::Tokenizer& TestTokenizer() {
  static const auto tokenizer = [] {
    const auto file =
        synth::InputFile::Open(synth::paths::SourcePath("tests/golden/tokenized/tokenizer.model"));
    synth::FuzzCheck(file.ok());
    const auto bytes = file->ReadAll();
    synth::FuzzCheck(bytes.ok());
    auto loaded = synth::LoadSentencePiece({"", "<s>", "</s>"}, *bytes);
    synth::FuzzCheck(loaded.ok());
    return *std::move(loaded);
  }();
  return *tokenizer;
}

}  // namespace

int FuzzTokenizer(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::optional<std::size_t> invalid = synth::FirstInvalidUtf8(text);
  const synth::Tokenizer& tokenizer = TestTokenizer();
  auto ids = tokenizer.Encode(text);
  synth::FuzzCheck(ids.ok() == !invalid.has_value());
  if (invalid) {
    synth::FuzzCheck(*invalid < size);
    synth::FuzzCheck(!synth::FirstInvalidUtf8(text.substr(0, *invalid)));
    return 0;
  }
  synth::FuzzCheck(ids->size() >= 2);
  for (const std::int32_t id : *ids) {
    synth::FuzzCheck(id >= 0 && id < tokenizer.vocab_size());
    synth::FuzzCheck(!tokenizer.Piece(id).empty());
  }
  const std::int32_t last = ids->back();
  tokenizer.Truncate(*ids, 3);
  synth::FuzzCheck(ids->size() <= 3 && ids->back() == last);
  return 0;
}
