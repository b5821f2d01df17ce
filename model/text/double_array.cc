#include "model/text/double_array.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace synth {
namespace {

constexpr std::size_t kBlock = 256;

// Hands out places for the children of a node. They lie in one block, because a base and its places
// differ in the last byte alone.
class Places {
 public:
  // A base such that base ^ byte is free for all `bytes`, of which there is one at least; takes
  // these places.
  std::uint32_t Take(const std::vector<std::uint8_t>& bytes) {
    for (std::size_t i = open_.size(); i-- > 0;) {
      Block& block = open_[i];
      const std::size_t base = FindBase(block, bytes);
      if (base < kBlock) {
        TakeFrom(block, base, bytes);
        const auto found = static_cast<std::uint32_t>(block.first + base);
        if (block.free == 0) Close(i);
        return found;
      }
      if (++block.misses == kMaxMisses) Close(i);
    }
    AddBlock();
    TakeFrom(open_.back(), 0, bytes);
    return static_cast<std::uint32_t>(open_.back().first);
  }

  // Takes the first place of all.
  void TakeFirst() {
    AddBlock();
    TakeFrom(open_.back(), 0, {0});
  }

  std::size_t size() const { return blocks_ * kBlock; }

 private:
  // With these limits a node costs a bounded number of looks, whatever the keys are.
  static constexpr std::size_t kMaxOpen = 16;
  static constexpr int kMaxMisses = 64;

  struct Block {
    std::size_t first;
    std::array<bool, kBlock> taken = {};
    std::size_t free = kBlock;
    std::size_t first_free = 0;  // no place before it is free
    int misses = 0;
  };

  static std::size_t FindBase(const Block& block, const std::vector<std::uint8_t>& bytes) {
    if (bytes.size() > block.free) return kBlock;
    for (std::size_t place = block.first_free; place < kBlock; ++place) {
      if (block.taken[place]) continue;
      const std::size_t base = place ^ bytes.front();
      const bool fits = std::none_of(bytes.begin(), bytes.end(), [&block, base](std::uint8_t byte) {
        return block.taken[base ^ byte];
      });
      if (fits) return base;
    }
    return kBlock;
  }

  static void TakeFrom(Block& block, std::size_t base, const std::vector<std::uint8_t>& bytes) {
    for (const std::uint8_t byte : bytes) block.taken[base ^ byte] = true;
    block.free -= bytes.size();
    while (block.first_free < kBlock && block.taken[block.first_free]) ++block.first_free;
  }

  void AddBlock() {
    if (open_.size() == kMaxOpen) Close(0);
    open_.push_back({.first = blocks_ * kBlock});
    ++blocks_;
  }

  void Close(std::size_t i) { open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i)); }

  std::size_t blocks_ = 0;
  std::vector<Block> open_;
};

// A node whose children are to be placed: the keys [begin, end) go through it.
struct Pending {
  DoubleArray::Node node;
  std::size_t begin;
  std::size_t end;
};

}  // namespace

DoubleArray::DoubleArray(std::vector<std::pair<std::string, std::int32_t>> keys) {
  std::sort(keys.begin(), keys.end());
  Places places;
  places.TakeFirst();
  const auto grow = [this, &places] {
    units_.resize(places.size());
    values_.resize(places.size(), kNoValue);
  };
  grow();
  std::vector<Pending> level = {{kRoot, 0, keys.size()}};
  std::vector<Pending> next_level;
  std::vector<std::uint8_t> bytes;
  for (std::size_t depth = 0; !level.empty(); ++depth) {
    next_level.clear();
    for (Pending& pending : level) {
      nodes_.push_back(pending.node);
      if (pending.begin < pending.end && keys[pending.begin].first.size() == depth) {
        values_[pending.node] = keys[pending.begin++].second;
      }
      const auto byte_of = [&keys, depth](std::size_t i) {
        return static_cast<std::uint8_t>(keys[i].first[depth]);
      };
      bytes.clear();
      for (std::size_t i = pending.begin; i < pending.end; ++i) {
        if (bytes.empty() || bytes.back() != byte_of(i)) bytes.push_back(byte_of(i));
      }
      if (bytes.empty()) continue;
      const Node base = places.Take(bytes);
      grow();
      units_[pending.node].base = base;
      for (std::size_t begin = pending.begin; begin < pending.end;) {
        std::size_t end = begin + 1;
        while (end < pending.end && byte_of(end) == byte_of(begin)) ++end;
        const Node child = base ^ byte_of(begin);
        units_[child].parent = pending.node;
        next_level.push_back({child, begin, end});
        begin = end;
      }
    }
    level.swap(next_level);
  }
}

}  // namespace synth
