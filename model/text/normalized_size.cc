#include "model/text/normalized_size.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace synth {
namespace {

// Field numbers of sentencepiece_model.proto, which Debian does not install.
constexpr std::uint64_t kNormalizerSpec = 3;       // of ModelProto
constexpr std::uint64_t kPrecompiledCharsmap = 2;  // of NormalizerSpec

std::uint32_t ReadLittleEndian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

// Takes a varint off `message`; false at its end.
bool TakeVarint(std::string_view& message, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !message.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(message.front());
    message.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// The last field with that number that has a length; empty if there is none.
std::string_view FindField(std::string_view message, std::uint64_t number) {
  std::string_view found;
  std::uint64_t key = 0;
  while (TakeVarint(message, key)) {
    std::uint64_t size = 0;  // of the value
    bool is_bytes = false;
    switch (key & 7) {
      case 0:
        if (std::uint64_t value = 0; !TakeVarint(message, value)) return found;
        break;
      case 1:
        size = 8;
        break;
      case 2:
        if (!TakeVarint(message, size)) return found;
        is_bytes = true;
        break;
      case 5:
        size = 4;
        break;
      default:
        return found;
    }
    if (size > message.size()) return found;
    if (is_bytes && key >> 3 == number) found = message.substr(0, size);
    message.remove_prefix(size);
  }
  return found;
}

// A unit of a Darts-clone trie.
bool HasLeaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t Value(std::uint32_t unit) { return unit & 0x7FFFFFFFU; }
std::uint32_t Label(std::uint32_t unit) { return unit & 0x800000FFU; }
std::uint32_t Offset(std::uint32_t unit) { return unit >> 10 << ((unit & 0x200U) >> 6); }

std::size_t CharacterSize(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

NormalizedSize::NormalizedSize(std::string_view model) {
  std::string_view rules = FindField(FindField(model, kNormalizerSpec), kPrecompiledCharsmap);
  if (rules.size() < sizeof(std::uint32_t)) return;
  const std::size_t size = ReadLittleEndian(rules);
  rules.remove_prefix(sizeof(std::uint32_t));
  if (size > rules.size()) return;
  for (std::size_t i = 0; i + sizeof(std::uint32_t) <= size; i += sizeof(std::uint32_t))
    trie_.push_back(ReadLittleEndian(rules.substr(i)));
  replacements_ = rules.substr(size);
  for (std::size_t begin = 0; begin < replacements_.size();) {
    const std::size_t length = ReplacementSize(begin);
    max_growth_ = std::max(max_growth_, length);
    begin += length + 1;
  }
}

std::size_t NormalizedSize::Count(std::string_view text, std::size_t limit) const {
  if (trie_.empty()) return text.size();
  std::size_t count = 0;
  while (!text.empty() && count <= limit) {
    Rule rule = Longest(text);
    if (rule.taken == 0) {
      rule.taken = std::min(CharacterSize(text.front()), text.size());
      rule.put = rule.taken;
    }
    count += rule.put;
    text.remove_prefix(rule.taken);
  }
  return count;
}

NormalizedSize::Rule NormalizedSize::Longest(std::string_view text) const {
  Rule rule;
  std::size_t node = Offset(trie_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= trie_.size() || Label(trie_[node]) != byte) break;
    const std::uint32_t unit = trie_[node];
    node ^= Offset(unit);
    if (!HasLeaf(unit)) continue;
    if (node >= trie_.size()) break;
    rule = {.taken = i + 1, .put = ReplacementSize(Value(trie_[node]))};
  }
  return rule;
}

std::size_t NormalizedSize::ReplacementSize(std::size_t offset) const {
  if (offset >= replacements_.size()) return 0;
  return std::min(replacements_.find('\0', offset), replacements_.size()) - offset;
}

}  // namespace synth
