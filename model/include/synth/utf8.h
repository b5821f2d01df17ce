#ifndef SYNTH_UTF8_H_
#define SYNTH_UTF8_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace synth {

// What some editors put at the beginning of a UTF-8 file. It is not part of the text.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The offset of the first byte of `text` that does not begin a well-formed UTF-8 sequence (Unicode
// 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF), or nothing where all of
// it is UTF-8.
std::optional<std::size_t> FirstInvalidUtf8(std::string_view text);

// The beginning of `text`: at most `max_bytes`, and whole characters if it is UTF-8.
std::string_view CutUtf8(std::string_view text, std::size_t max_bytes);

// What a message shows of a text that may be of any length: all of it, or its CutUtf8 and its size,
// as in "abc... (2000 bytes)".
std::string Excerpt(std::string_view text, std::size_t max_bytes);

}  // namespace synth

#endif  // SYNTH_UTF8_H_
