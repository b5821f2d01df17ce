#ifndef SYNTH_MODEL_STRINGS_H_
#define SYNTH_MODEL_STRINGS_H_

#include <concepts>
#include <string>
#include <string_view>

namespace synth {
namespace internal {

template <typename Part>
void Append(std::string& out, const Part& part) {
  if constexpr (std::integral<Part>) {
    out += std::to_string(part);
  } else if constexpr (std::convertible_to<const Part&, std::string_view>) {
    const std::string_view text = part;
    out += text;
  } else {
    out.append(part.data(), part.size());  // absl::string_view
  }
}

}  // namespace internal

// The parts, strings and integers, one after the other. absl::StrCat does not do: Debian's Abseil
// has a string_view of its own and takes no std::string_view.
template <typename... Parts>
std::string Cat(const Parts&... parts) {
  std::string out;
  (internal::Append(out, parts), ...);
  return out;
}

}  // namespace synth

#endif  // SYNTH_MODEL_STRINGS_H_
