#ifndef SYNTH_MODEL_TEXT_FRAMING_H_
#define SYNTH_MODEL_TEXT_FRAMING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "synth/tokenizer.h"

namespace synth {

// The special tokens around a text, and how a long text is shortened or split so that they stay at
// both ends. The same for every tokenizer, whatever the pieces between them are. Constant after
// construction.
class Framing {
 public:
  // What stands between the texts of a pair, and what type the tokens of the second have.
  enum class Pairs {
    kNone,           // the model takes no pairs
    kOneSeparator,   // BERT: [CLS] a [SEP] b [SEP], with type 1 from b on
    kTwoSeparators,  // RoBERTa: <s> a </s></s> b </s>, all of type 0
  };

  // The ids before and behind a text, if there are such tokens.
  Framing(std::optional<std::int32_t> cls, std::optional<std::int32_t> sep,
          Pairs pairs = Pairs::kOneSeparator)
      : cls_(cls), sep_(sep), pairs_(pairs) {}

  // `body` with the special tokens around it.
  std::vector<std::int32_t> Frame(const std::vector<std::int32_t>& body) const;

  // `ids` are framed. The contracts are those of Tokenizer.
  bool Truncate(std::vector<std::int32_t>& ids, int max_tokens) const;
  std::vector<std::vector<std::int32_t>> Windows(const std::vector<std::int32_t>& ids,
                                                 int max_tokens, int overlap) const;
  TokenPair Join(const std::vector<std::int32_t>& first, const std::vector<std::int32_t>& second,
                 int max_tokens) const;
  std::optional<int> pair_special_tokens() const;
  int special_tokens() const { return (cls_ ? 1 : 0) + (sep_ ? 1 : 0); }

 private:
  const std::optional<std::int32_t> cls_;
  const std::optional<std::int32_t> sep_;
  const Pairs pairs_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_FRAMING_H_
