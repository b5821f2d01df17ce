#ifndef SYNTH_MODEL_TEXT_WORDPIECES_H_
#define SYNTH_MODEL_TEXT_WORDPIECES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/double_array.h"

namespace synth {

// Splits a word into the longest pieces from left to right, those behind the first with a prefix.
// It looks at each byte of a word once and never goes back ("Fast WordPiece Tokenization", Song et
// al. 2021): each node of the trie knows which pieces are certain when no piece goes on from it,
// and the node that stands for the rest. Constant after construction.
class WordPieces {
 public:
  // The number of a piece is its id. No piece is there twice. Time and memory are in proportion to
  // the pieces.
  WordPieces(const std::vector<std::string>& pieces, std::string_view continuing_prefix);

  // Puts the ids of `word`, which has a byte at least, behind `ids`. Returns false, and leaves
  // `ids` as they were, where the pieces do not cover the word.
  bool Append(std::string_view word, std::vector<std::int32_t>& ids) const;

 private:
  using Node = DoubleArray::Node;

  // Chains of ids, each from the last to the first, so that chains which begin alike share.
  static constexpr std::uint32_t kNoLink = 0xFFFFFFFF;
  struct Link {
    std::int32_t id;
    std::uint32_t before;
  };

  // What to do in a node that has no child for the next byte.
  struct Failure {
    Node next = DoubleArray::kNoNode;  // where to go on; kNoNode: the word has no pieces
    std::uint32_t ids = kNoLink;       // the pieces to put first
  };

  void FindFailure(Node node);
  void AppendChain(std::uint32_t link, std::vector<std::int32_t>& ids) const;

  DoubleArray trie_;
  Node word_ = DoubleArray::kNoNode;  // the root of all pieces,
  Node rest_ = DoubleArray::kNoNode;  // and that of those with the prefix, without it
  std::vector<Failure> failures_;
  std::vector<Link> links_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_WORDPIECES_H_
