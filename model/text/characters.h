#ifndef SYNTH_MODEL_TEXT_CHARACTERS_H_
#define SYNTH_MODEL_TEXT_CHARACTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace synth {

// What BERT's tokenization asks about a character, answered as Hugging Face's tokenizers does: the
// data is libutf8proc's, corrected by character_exceptions.h. Constant after construction.
class Characters {
 public:
  // Bits of Properties().
  static constexpr std::uint8_t kControl = 1;      // clean_text removes it
  static constexpr std::uint8_t kSpace = 2;        // White_Space; some are controls, too
  static constexpr std::uint8_t kPunctuation = 4;  // a word of its own
  static constexpr std::uint8_t kNonspacing = 8;   // strip_accents removes it
  static constexpr std::uint8_t kReordered = 16;   // its canonical combining class is not 0
  static constexpr std::uint8_t kMapped = 32;      // it decomposes, or has a small letter
  static constexpr std::uint8_t kChinese = 64;     // handle_chinese_chars puts spaces around it
  static constexpr std::uint8_t kWord = 128;       // \w of a regular expression

  // Built at the first call, in milliseconds; 100 KB.
  static const Characters& Get();

  std::uint8_t Properties(char32_t code) const {
    return blocks_[std::size_t{block_of_[code / kBlock]} * kBlock + code % kBlock];
  }

  // The canonical decomposition (NFD) of one character.
  struct Decomposition {
    static constexpr std::size_t kMaxSize = 4;
    std::array<std::int32_t, kMaxSize> codes;
    std::size_t size;
  };
  Decomposition Decompose(char32_t code) const;

  // The canonical combining class of a kReordered character.
  std::uint8_t CombiningClass(char32_t code) const;

  // The small letter of a character, or itself. U+0130 has two characters: its small letter is
  // "i", with kDotAbove behind it.
  static constexpr char32_t kCapitalIWithDot = 0x130;
  static constexpr char32_t kDotAbove = 0x307;
  char32_t Lowercase(char32_t code) const;

 private:
  Characters();
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kCodes = 0x110000;

  std::array<std::uint16_t, kCodes / kBlock> block_of_ = {};
  std::vector<std::uint8_t> blocks_;  // those that differ, one after the other
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_CHARACTERS_H_
