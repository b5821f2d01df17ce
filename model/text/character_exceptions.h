#ifndef SYNTH_MODEL_TEXT_CHARACTER_EXCEPTIONS_H_
#define SYNTH_MODEL_TEXT_CHARACTER_EXCEPTIONS_H_

#include <span>

// Where Hugging Face's tokenizers 0.23 (the Rust crates that it is built from) and libutf8proc 2.8
// see a character differently. utf8proc knows Unicode 15.0. Each table says which Unicode the crate
// knows; almost all that follows is "not assigned yet" for the one or the other. The tables are
// complete: tests/bench/compare_wordpiece.py compares every character.
namespace synth::exceptions {

struct Range {
  char32_t first;
  char32_t last;  // included
};

// unicode_categories 0.1, Unicode 8: format controls (Cf) that came later are no controls to it.
std::span<const Range> NotControl();

// unicode_categories 0.1, Unicode 8: nonspacing marks (Mn) that came later are none to it. What has
// become Mn since (U+111C9, U+1885) is not, and what no longer is (U+1734) still is.
std::span<const Range> NotNonspacing();
std::span<const Range> AlsoNonspacing();

// unicode_categories 0.1, Unicode 8: the same for punctuation. U+166D is a symbol since Unicode 12,
// U+111C9 a mark since Unicode 11.
std::span<const Range> NotPunctuation();
std::span<const Range> AlsoPunctuation();

// unicode-normalization-alignments 0.1, Unicode 9: combining marks that came later keep their place
// in canonical order (their combining class is 0 to it), and U+11938 does not decompose.
std::span<const Range> NotReordered();
std::span<const Range> NotDecomposed();

// regex 1, Unicode 16: letters, digits and marks (\w) that utf8proc does not know yet.
std::span<const Range> AlsoWord();

// Rust 1.9x, Unicode 17: capital letters that utf8proc does not know yet. Those of a range are at
// the same distance from their small letters.
struct Lowercase {
  Range capitals;
  char32_t first_small;
};
std::span<const Lowercase> AlsoLowercased();

}  // namespace synth::exceptions

#endif  // SYNTH_MODEL_TEXT_CHARACTER_EXCEPTIONS_H_
