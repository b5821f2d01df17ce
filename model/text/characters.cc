#include "model/text/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <span>
#include <vector>

#include "model/text/character_exceptions.h"

namespace synth {
namespace {

using exceptions::Range;

// The ranges are in order.
bool Within(std::span<const Range> ranges, char32_t code) {
  const auto above =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](char32_t value, const Range& range) { return value < range.first; });
  return above != ranges.begin() && code <= std::prev(above)->last;
}

// Nothing is assigned behind the ideographs of plane 3 up to plane 14, and little there; planes 15
// and 16 are private up to their last two codes. Saves most of the time that the table takes.
bool IsLikeTheBlockBefore(std::size_t first, std::size_t size) {
  return (first > 0x32400 && first < 0xE0000) || (first > 0xE0200 && first < 0xF0000) ||
         (first > 0xF0000 && first + size < 0x100000) ||
         (first > 0x100000 && first + size < 0x110000);
}

// White_Space of every Unicode since 6.3.
constexpr Range kSpaces[] = {
    {0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
};

// BERT's blocks of Chinese characters, one character short at U+2B81F..2B920 as they are there.
constexpr Range kChineseBlocks[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
    {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
};

// Letters to \w, which are symbols (So) with the property Other_Alphabetic; and the two joiners.
constexpr Range kWordSymbols[] = {
    {0x200C, 0x200D}, {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189},
};

bool IsControl(char32_t code, int category) {
  if (code == 0xFFFD) return true;  // the replacement character, as clean_text has it
  if (code == '\t' || code == '\n' || code == '\r') return false;
  switch (category) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CO:
      return true;
    case UTF8PROC_CATEGORY_CF:
      return !Within(exceptions::NotControl(), code);
    default:
      return false;
  }
}

bool IsPunctuation(char32_t code, int category) {
  // In ASCII, BERT takes symbols for punctuation, too.
  if (code < 0x80) {
    return (code > ' ' && code < '0') || (code > '9' && code < 'A') || (code > 'Z' && code < 'a') ||
           (code > 'z' && code < 0x7F);
  }
  switch (category) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return !Within(exceptions::NotPunctuation(), code);
    default:
      return Within(exceptions::AlsoPunctuation(), code);
  }
}

bool IsNonspacing(char32_t code, int category) {
  if (category == UTF8PROC_CATEGORY_MN) return !Within(exceptions::NotNonspacing(), code);
  return Within(exceptions::AlsoNonspacing(), code);
}

bool IsWord(char32_t code, int category) {
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return Within(kWordSymbols, code) || Within(exceptions::AlsoWord(), code);
  }
}

constexpr std::uint8_t Bit(bool holds, std::uint8_t bit) { return holds ? bit : 0; }

}  // namespace

const Characters& Characters::Get() {
  static const Characters kCharacters;
  return kCharacters;
}

Characters::Characters() {
  std::map<std::array<std::uint8_t, kBlock>, std::uint16_t> known;
  for (std::size_t number = 0; number < block_of_.size(); ++number) {
    if (IsLikeTheBlockBefore(number * kBlock, kBlock)) {
      block_of_[number] = block_of_[number - 1];
      continue;
    }
    std::array<std::uint8_t, kBlock> block{};
    for (std::size_t i = 0; i < kBlock; ++i) {
      const auto code = static_cast<char32_t>(number * kBlock + i);
      const auto signed_code = static_cast<std::int32_t>(code);
      const utf8proc_property_t& property = *utf8proc_get_property(signed_code);
      const int category = property.category;
      const Decomposition parts = Decompose(code);
      const bool mapped =
          parts.size != 1 || parts.codes[0] != signed_code || Lowercase(code) != code;
      const bool reordered =
          property.combining_class != 0 && !Within(exceptions::NotReordered(), code);
      block[i] = static_cast<std::uint8_t>(
          Bit(IsControl(code, category), kControl) | Bit(Within(kSpaces, code), kSpace) |
          Bit(IsPunctuation(code, category), kPunctuation) |
          Bit(IsNonspacing(code, category), kNonspacing) | Bit(reordered, kReordered) |
          Bit(mapped, kMapped) | Bit(Within(kChineseBlocks, code), kChinese) |
          Bit(IsWord(code, category), kWord));
    }
    const auto [found, is_new] = known.try_emplace(block, static_cast<std::uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), block.begin(), block.end());
    block_of_[number] = found->second;
  }
}

Characters::Decomposition Characters::Decompose(char32_t code) const {
  Decomposition parts{};
  if (Within(exceptions::NotDecomposed(), code)) {
    parts.codes[0] = static_cast<std::int32_t>(code);
    parts.size = 1;
    return parts;
  }
  int last_boundary = 0;
  const utf8proc_ssize_t size =
      utf8proc_decompose_char(static_cast<std::int32_t>(code), parts.codes.data(),
                              parts.codes.size(), UTF8PROC_DECOMPOSE, &last_boundary);
  if (size < 1 || size > static_cast<utf8proc_ssize_t>(parts.codes.size())) {
    // A surrogate, which no text has.
    parts.codes[0] = static_cast<std::int32_t>(code);
    parts.size = 1;
    return parts;
  }
  parts.size = static_cast<std::size_t>(size);
  return parts;
}

std::uint8_t Characters::CombiningClass(char32_t code) const {
  return static_cast<std::uint8_t>(
      utf8proc_get_property(static_cast<std::int32_t>(code))->combining_class);
}

char32_t Characters::Lowercase(char32_t code) const {
  for (const exceptions::Lowercase& more : exceptions::AlsoLowercased()) {
    if (code >= more.capitals.first && code <= more.capitals.last) {
      return more.first_small + (code - more.capitals.first);
    }
  }
  return static_cast<char32_t>(utf8proc_tolower(static_cast<std::int32_t>(code)));
}

}  // namespace synth
