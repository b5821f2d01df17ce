#ifndef SYNTH_MODEL_TEXT_BERT_NORMALIZER_H_
#define SYNTH_MODEL_TEXT_BERT_NORMALIZER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/characters.h"

namespace synth {

// Hugging Face's names and defaults.
struct BertNormalizerConfig {
  bool clean_text = true;             // remove control characters; every white space is " "
  bool handle_chinese_chars = true;   // each Chinese character is a word
  std::optional<bool> strip_accents;  // NFD without nonspacing marks; absent: as lowercase
  bool lowercase = true;
};

// BertNormalizer of Hugging Face's tokenizers, in one pass. Takes time in proportion to the text
// (n log n for a run of combining marks). Constant after construction.
class BertNormalizer {
 public:
  explicit BertNormalizer(const BertNormalizerConfig& config);

  // Sets `out` to the normalized `text`, which must be UTF-8. It has at most three times the bytes.
  void Normalize(std::string_view text, std::string& out) const;

 private:
  // Combining marks that canonical order may still move.
  struct Mark {
    std::uint8_t combining_class;
    char32_t code;
  };
  using Marks = std::vector<Mark>;

  void NormalizeAscii(std::string_view text, std::string& out) const;
  void NormalizeCharacter(std::string_view bytes, char32_t code, std::uint8_t properties,
                          Marks& marks, std::string& out) const;
  // Puts one character of the decomposed text.
  void PutPart(char32_t code, Marks& marks, std::string& out) const;
  void PutMarks(Marks& marks, std::string& out) const;
  void PutLowercased(char32_t code, std::string& out) const;

  const Characters& characters_;
  const BertNormalizerConfig config_;
  const bool strip_accents_;
  const std::uint8_t changing_;         // the properties of characters that do not stay as they are
  std::array<char, 128> ascii_ = {};    // what is put for a character,
  std::array<bool, 128> removed_ = {};  // or that nothing is
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_BERT_NORMALIZER_H_
