#ifndef SYNTH_MODEL_TEXT_FRAMING_H_
#define SYNTH_MODEL_TEXT_FRAMING_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace synth {

// The special tokens around a text, and how a long text is shortened or split so that they stay at
// both ends. The same for every tokenizer, whatever the pieces between them are. Constant after
// construction.
class Framing {
 public:
  // The ids before and behind a text, if there are such tokens.
  Framing(std::optional<std::int32_t> cls, std::optional<std::int32_t> sep)
      : cls_(cls), sep_(sep) {}

  // `body` with the special tokens around it.
  std::vector<std::int32_t> Frame(const std::vector<std::int32_t>& body) const;

  // `ids` are framed. The contracts are those of Tokenizer.
  bool Truncate(std::vector<std::int32_t>& ids, int max_tokens) const;
  std::vector<std::vector<std::int32_t>> Windows(const std::vector<std::int32_t>& ids,
                                                 int max_tokens, int overlap) const;
  int special_tokens() const { return (cls_ ? 1 : 0) + (sep_ ? 1 : 0); }

 private:
  const std::optional<std::int32_t> cls_;
  const std::optional<std::int32_t> sep_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_FRAMING_H_
