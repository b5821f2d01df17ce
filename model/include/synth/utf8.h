#ifndef SYNTH_UTF8_H_
#define SYNTH_UTF8_H_

#include <cstddef>
#include <optional>
#include <string_view>

namespace synth {

// What some editors put at the beginning of a UTF-8 file. It is not part of the text.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The offset of the first byte of `text` that does not begin a well-formed UTF-8 sequence (Unicode
// 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF), or nothing where all of
// it is UTF-8.
std::optional<std::size_t> FirstInvalidUtf8(std::string_view text);

}  // namespace synth

#endif  // SYNTH_UTF8_H_
