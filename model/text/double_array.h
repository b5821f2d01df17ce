#ifndef SYNTH_MODEL_TEXT_DOUBLE_ARRAY_H_
#define SYNTH_MODEL_TEXT_DOUBLE_ARRAY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace synth {

// A trie over bytes in two numbers a node: the children of a node lie at base ^ byte, and each
// knows its parent. Constant after construction.
class DoubleArray {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNoNode = 0xFFFFFFFF;
  static constexpr std::int32_t kNoValue = -1;

  // Each key, in bytes, with its value: 0 or more, or kNoValue for a path without one. No key is
  // there twice; any order. Takes time and memory in proportion to the keys.
  explicit DoubleArray(std::vector<std::pair<std::string, std::int32_t>> keys);

  // kNoNode if no key goes on like that.
  Node Child(Node node, std::uint8_t byte) const {
    const Node child = units_[node].base ^ byte;
    return units_[child].parent == node ? child : kNoNode;
  }
  std::int32_t value(Node node) const { return values_[node]; }

  // All nodes, parents before children and the root first; and how each is reached.
  const std::vector<Node>& nodes() const { return nodes_; }
  Node parent(Node node) const { return units_[node].parent; }
  std::uint8_t byte(Node node) const {
    return static_cast<std::uint8_t>(units_[units_[node].parent].base ^ node);
  }
  // Greater than every node.
  std::size_t size() const { return units_.size(); }

 private:
  struct Unit {
    Node base = 0;
    Node parent = kNoNode;
  };
  std::vector<Unit> units_;  // whole blocks of 256
  std::vector<std::int32_t> values_;
  std::vector<Node> nodes_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_DOUBLE_ARRAY_H_
