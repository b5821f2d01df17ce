#ifndef SYNTH_SERVER_BASE_EXCERPT_H_
#define SYNTH_SERVER_BASE_EXCERPT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace synth {

// What a message shows of a text that may be of any length: all of it, or about `most` bytes of its
// beginning (whole characters, if it is UTF-8) and its size.
inline std::string Excerpt(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "... (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace synth

#endif  // SYNTH_SERVER_BASE_EXCERPT_H_
