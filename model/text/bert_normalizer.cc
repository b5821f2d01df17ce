#include "model/text/bert_normalizer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/text/characters.h"
#include "model/text/utf8_characters.h"

namespace synth {
namespace {

std::uint8_t ChangingProperties(const BertNormalizerConfig& config, bool strip_accents) {
  unsigned properties = 0;
  if (config.clean_text) properties |= Characters::kControl | Characters::kSpace;
  if (config.handle_chinese_chars) properties |= Characters::kChinese;
  if (strip_accents || config.lowercase) properties |= Characters::kMapped;
  if (strip_accents) properties |= Characters::kNonspacing | Characters::kReordered;
  return static_cast<std::uint8_t>(properties);
}

}  // namespace

BertNormalizer::BertNormalizer(const BertNormalizerConfig& config)
    : characters_(Characters::Get()),
      config_(config),
      strip_accents_(config.strip_accents.value_or(config.lowercase)),
      changing_(ChangingProperties(config, strip_accents_)) {
  for (std::size_t i = 0; i < ascii_.size(); ++i) {
    const std::uint8_t properties = characters_.Properties(static_cast<char32_t>(i));
    ascii_[i] = static_cast<char>(i);
    if (config_.clean_text) {
      removed_[i] = (properties & Characters::kControl) != 0;
      if ((properties & Characters::kSpace) != 0) ascii_[i] = ' ';
    }
    if (config_.lowercase && i >= 'A' && i <= 'Z') ascii_[i] = static_cast<char>(i - 'A' + 'a');
  }
}

void BertNormalizer::Normalize(std::string_view text, std::string& out) const {
  out.clear();
  Marks marks;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && IsAscii(text[end])) ++end;
    if (end > i) {
      // What is removed separates no marks.
      while (!marks.empty() && i < end && removed_[static_cast<std::uint8_t>(text[i])]) ++i;
      if (i < end) PutMarks(marks, out);
      NormalizeAscii(text.substr(i, end - i), out);
      i = end;
      continue;
    }
    const auto [code, size] = CharacterAt(text, i);
    NormalizeCharacter(text.substr(i, size), code, characters_.Properties(code), marks, out);
    i += size;
  }
  PutMarks(marks, out);
}

void BertNormalizer::NormalizeAscii(std::string_view text, std::string& out) const {
  std::size_t size = out.size();
  out.resize(size + text.size());
  for (const char c : text) {
    const auto i = static_cast<std::uint8_t>(c);
    out[size] = ascii_[i];
    size += removed_[i] ? 0U : 1U;
  }
  out.resize(size);
}

void BertNormalizer::NormalizeCharacter(std::string_view bytes, char32_t code,
                                        std::uint8_t properties, Marks& marks,
                                        std::string& out) const {
  if ((properties & changing_) == 0) {
    PutMarks(marks, out);
    out += bytes;
    return;
  }
  if (config_.clean_text) {
    // Controls first: some are white space, too.
    if ((properties & Characters::kControl) != 0) return;
    if ((properties & Characters::kSpace) != 0) {
      PutMarks(marks, out);
      out += ' ';
      return;
    }
  }
  const bool apart = config_.handle_chinese_chars && (properties & Characters::kChinese) != 0;
  if (apart) {
    PutMarks(marks, out);
    out += ' ';
  }
  if (strip_accents_) {
    const Characters::Decomposition parts = characters_.Decompose(code);
    for (std::size_t i = 0; i < parts.size; ++i)
      PutPart(static_cast<char32_t>(parts.codes[i]), marks, out);
  } else if (config_.lowercase) {
    PutLowercased(code, out);
  } else {
    out += bytes;
  }
  if (apart) {
    PutMarks(marks, out);
    out += ' ';
  }
}

void BertNormalizer::PutPart(char32_t code, Marks& marks, std::string& out) const {
  const std::uint8_t properties = characters_.Properties(code);
  const bool reordered = (properties & Characters::kReordered) != 0;
  if (!reordered) PutMarks(marks, out);
  // The order of those that stay does not depend on those that go.
  if ((properties & Characters::kNonspacing) != 0) return;
  if (reordered) {
    marks.push_back({characters_.CombiningClass(code), code});
  } else {
    PutLowercased(code, out);
  }
}

void BertNormalizer::PutMarks(Marks& marks, std::string& out) const {
  if (marks.empty()) return;
  std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) {
    return a.combining_class < b.combining_class;
  });
  for (const Mark& mark : marks) PutLowercased(mark.code, out);
  marks.clear();
}

void BertNormalizer::PutLowercased(char32_t code, std::string& out) const {
  if (!config_.lowercase) {
    AppendCharacter(code, out);
    return;
  }
  AppendCharacter(characters_.Lowercase(code), out);
  if (code == Characters::kCapitalIWithDot) AppendCharacter(Characters::kDotAbove, out);
}

}  // namespace synth
