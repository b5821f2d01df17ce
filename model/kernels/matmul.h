// The matrix product, once for every precision: a template over the format of its words. Included
// by the files that are compiled for one instruction set.
//
// A format says what a word is:
//   kDepthPerWord    numbers in a word
//   Sum              a vector of sums
//   Multiply(s, b, a)  the sums s + a · b of one word of A and a vector of words of B
//   Start(b, j)        what kLanes columns of B from j on start from
//   ColumnsOf(b, j)    what is to know of them at the end
//   Finish(s, columns) their sums as floats
//   RowScale(a, i)     what Finish's result is to be multiplied by in row i
//   Gelu(x)            as exact as the precision deserves
//   PackWords          see Pack

#ifndef SYNTH_MODEL_KERNELS_MATMUL_H_
#define SYNTH_MODEL_KERNELS_MATMUL_H_

#include <cstddef>
#include <cstdint>

#include "model/kernels/kernels.h"
#include "model/kernels/vectors.h"

namespace synth {
namespace {

// The tile of C that stays in registers is 6 rows by kTileVectors vectors. Of AVX-512's 32
// registers that takes 24, and 4 for the words of B; of the 16 of SSE and AVX 12, and 2.
constexpr int kTileVectors = kVectorBytes == 64 ? 4 : 2;
constexpr int kTileRows = 6;
static_assert(kRowsOfWholeTiles % kTileRows == 0);
constexpr Index kPanel = Index{kLanes} * kTileVectors;
// Rows of A that are multiplied by one panel after another: 96 rows of 1024 words stay in a 1 MiB
// L2.
constexpr Index kChunkRows = Index{16} * kTileRows;

template <class Format>
Index WordsOf(Index depth) {
  return (depth + Format::kDepthPerWord - 1) / Format::kDepthPerWord;
}

inline Index PanelWidth(Index cols, Index col) { return Min(kPanel, RoundUp(cols - col, kLanes)); }

// Multiplies kRows rows of A by a panel and leaves the sums in registers for `finish`(vector, sums
// of that vector's columns in each row). Each element is one sum over the words 0, 1, ..., in that
// order, on top of what Format::Start(columns) gives.
template <class Format, int kRows, int kVectors, class Finish>
[[gnu::always_inline]] inline void MultiplyTile(const Word* a, Index a_stride, const Word* panel,
                                                Index panel_stride, Index depth,
                                                const PackedView& b, Index col,
                                                const Finish& finish) {
  constexpr std::size_t kRowCount = kRows;  // array bounds are unsigned
  constexpr std::size_t kVectorCount = kVectors;
  typename Format::Sum sum[kVectorCount][kRowCount];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const auto start = Format::Start(b, col + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sum[v][r] = start;
  }
  for (Index k = 0; k < depth; ++k) {
    IntVec words[kVectorCount];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) words[v] = LoadWords(panel + k * panel_stride + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      Word x = 0;
      __builtin_memcpy(&x, a + r * a_stride + k, sizeof(x));
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[v][r] = Format::Multiply(sum[v][r], words[v], x);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) finish(v, sum[v]);
}

// A product, and where a tile of it stands.
struct Tile {
  const Operand& a;
  const PackedView& b;
  const Epilogue& epilogue;
  const Matrix& c;
  Index row;
  Index col;

  const Word* a_rows() const { return static_cast<const Word*>(a.words) + row * a.stride; }
};

// --- What becomes of the sums ---

template <class Format, EpilogueActivation kActivation>
Vec Activate(Vec x) {
  if constexpr (kActivation == EpilogueActivation::kRelu) return Relu(x);
  if constexpr (kActivation == EpilogueActivation::kGelu) return Format::Gelu(x);
  if constexpr (kActivation == EpilogueActivation::kGeluNew) return GeluNew(x);
  if constexpr (kActivation == EpilogueActivation::kSilu) return Silu(x);
  return x;
}

// Finishes kLanes columns of a tile from column `at` on, `count` of which are in C. A scale of 1
// and a bias of 0 change no bit.
template <class Format, EpilogueActivation kActivation, bool kAccumulate>
[[gnu::always_inline]] inline void FinishColumns(const Tile& tile, Index rows, Index at,
                                                 Index count, const float* scale,
                                                 const typename Format::Sum* sums) {
  const auto columns = Format::ColumnsOf(tile.b, at);
  const float* const all_bias = tile.epilogue.bias;
  const Vec bias = all_bias == nullptr ? Vec{} : LoadFirst(all_bias + at, count, 0);
  float* to = tile.c.data + tile.row * tile.c.stride + at;
#pragma GCC unroll 8
  for (Index r = 0; r < rows; ++r, to += tile.c.stride) {
    Vec y = Activate<Format, kActivation>(Format::Finish(sums[r], columns) * scale[r] + bias);
    if constexpr (kAccumulate) y = y + LoadFirst(to, count, 0);
    StoreFirst(to, y, count);
  }
}

template <class Format>
void ReadScales(const Tile& tile, Index rows, float* scale) {
  const float* const own = tile.epilogue.row_scale;
  for (Index r = 0; r < rows; ++r) {
    scale[r] = Format::RowScale(tile.a, tile.row + r) * (own == nullptr ? 1.0F : own[tile.row + r]);
  }
}

// --- Tiles of every size ---

// A tile at the edge of C: the sums [vectors, kRows] pass through memory.
template <class Format, int kRows, int kVectors>
void MultiplyEdge(const Tile& tile, const Word* panel, Index panel_stride, Index depth,
                  typename Format::Sum* sums) {
  MultiplyTile<Format, kRows, kVectors>(tile.a_rows(), tile.a.stride, panel, panel_stride, depth,
                                        tile.b, tile.col,
                                        [sums](int v, const typename Format::Sum* sum) {
#pragma GCC unroll 8
                                          for (int r = 0; r < kRows; ++r)
                                            sums[v * kRows + r] = sum[r];
                                        });
}

template <class Format>
using EdgeFunction = void (*)(const Tile&, const Word*, Index, Index, typename Format::Sum*);

template <class Format, int kRows>
EdgeFunction<Format> EdgeOf(Index vectors) {
  if constexpr (kTileVectors == 4) {
    if (vectors == 4) return &MultiplyEdge<Format, kRows, 4>;
    if (vectors == 3) return &MultiplyEdge<Format, kRows, 3>;
  }
  return vectors == 2 ? &MultiplyEdge<Format, kRows, 2> : &MultiplyEdge<Format, kRows, 1>;
}

template <class Format>
EdgeFunction<Format> EdgeOf(Index rows, Index vectors) {
  switch (rows) {
    case 1:
      return EdgeOf<Format, 1>(vectors);
    case 2:
      return EdgeOf<Format, 2>(vectors);
    case 3:
      return EdgeOf<Format, 3>(vectors);
    case 4:
      return EdgeOf<Format, 4>(vectors);
    case 5:
      return EdgeOf<Format, 5>(vectors);
    default:
      return EdgeOf<Format, kTileRows>(vectors);
  }
}

template <class Format, EpilogueActivation kActivation, bool kAccumulate>
void EdgeTile(const Tile& tile, Index rows, Index vectors, const Word* panel, Index panel_stride,
              Index depth) {
  float scale[kTileRows];
  ReadScales<Format>(tile, rows, scale);
  typename Format::Sum sums[kTileRows * kTileVectors];
  EdgeOf<Format>(rows, vectors)(tile, panel, panel_stride, depth, sums);
  for (Index v = 0; v < vectors; ++v) {
    const Index at = tile.col + v * kLanes;
    FinishColumns<Format, kActivation, kAccumulate>(tile, rows, at, tile.c.cols - at, scale,
                                                    sums + v * rows);
  }
}

// A whole tile: the sums are finished where they are, in registers.
template <class Format, EpilogueActivation kActivation, bool kAccumulate>
void WholeTile(const Tile& tile, const Word* panel, Index depth) {
  float scale[kTileRows];
  ReadScales<Format>(tile, kTileRows, scale);
  MultiplyTile<Format, kTileRows, kTileVectors>(
      tile.a_rows(), tile.a.stride, panel, kPanel, depth, tile.b, tile.col,
      [&](int v, const typename Format::Sum* sums) {
        FinishColumns<Format, kActivation, kAccumulate>(tile, kTileRows, tile.col + v * kLanes,
                                                        kLanes, scale, sums);
      });
}

// C = A B with one kind of epilogue.
template <class Format, EpilogueActivation kActivation, bool kAccumulate>
void MultiplyAll(const Operand& a, const PackedView& b, const Epilogue& epilogue, const Matrix& c) {
  const auto* const b_words = static_cast<const Word*>(b.words);
  const Index depth = WordsOf<Format>(a.depth);
  for (Index chunk = 0; chunk < c.rows; chunk += kChunkRows) {
    const Index chunk_end = Min(chunk + kChunkRows, c.rows);
    for (Index col = 0; col < c.cols; col += kPanel) {
      const Word* const panel = b_words + col * depth;
      const Index width = PanelWidth(b.cols, col);
      const bool whole = c.cols - col >= kPanel;
      for (Index row = chunk; row < chunk_end; row += kTileRows) {
        const Tile tile = {a, b, epilogue, c, row, col};
        const Index rows = Min(kTileRows, chunk_end - row);
        if (whole && rows == kTileRows) {
          WholeTile<Format, kActivation, kAccumulate>(tile, panel, depth);
        } else {
          const Index vectors = PanelWidth(c.cols, col) / kLanes;
          EdgeTile<Format, kActivation, kAccumulate>(tile, rows, vectors, panel, width, depth);
        }
      }
    }
  }
}

template <class Format>
void Matmul(const Operand& a, const PackedView& b, const Epilogue& epilogue, const Matrix& c) {
  using Activation = EpilogueActivation;
  if (epilogue.accumulate) {
    return MultiplyAll<Format, Activation::kNone, true>(a, b, epilogue, c);
  }
  switch (epilogue.activation) {
    case Activation::kRelu:
      return MultiplyAll<Format, Activation::kRelu, false>(a, b, epilogue, c);
    case Activation::kGelu:
      return MultiplyAll<Format, Activation::kGelu, false>(a, b, epilogue, c);
    case Activation::kGeluNew:
      return MultiplyAll<Format, Activation::kGeluNew, false>(a, b, epilogue, c);
    case Activation::kSilu:
      return MultiplyAll<Format, Activation::kSilu, false>(a, b, epilogue, c);
    case Activation::kNone:
      break;
  }
  MultiplyAll<Format, Activation::kNone, false>(a, b, epilogue, c);
}

// Packs B given as its transpose: a transposition of words.
template <class Format>
void PackTransposed(const Operand& b_transposed, void* packed) {
  const auto* const from = static_cast<const Word*>(b_transposed.words);
  auto* to = static_cast<Word*>(packed);
  const Index cols = b_transposed.rows;
  const Index depth = WordsOf<Format>(b_transposed.depth);
  for (Index col = 0; col < cols; col += kPanel) {
    const Index width = PanelWidth(cols, col);
    for (Index j = 0; j < width; j += kLanes) {
      for (Index k = 0; k < depth; k += kLanes) {
        const Index count = Min(depth - k, kLanes);
        IntVec square[kLanes];
        for (Index i = 0; i < kLanes; ++i) {
          const bool padding = col + j + i >= cols;
          const Word* const row = from + (col + j + i) * b_transposed.stride + k;
          square[i] = padding ? IntVec{} : LoadFirstWords(row, count);
        }
        Transpose(square);
        for (Index i = 0; i < count; ++i) StoreWords(to + (k + i) * width + j, square[i]);
      }
    }
    to += width * depth;
  }
}

// Packs B as it is: Format::PackWords gives kLanes words from kDepthPerWord rows.
template <class Format>
void Pack(const ConstMatrix& b, void* packed) {
  auto* to = static_cast<Word*>(packed);
  for (Index col = 0; col < b.cols; col += kPanel) {
    const Index width = PanelWidth(b.cols, col);
    for (Index k = 0; k < b.rows; k += Format::kDepthPerWord) {
      for (Index j = col; j < col + width; j += kLanes, to += kLanes) {
        StoreWords(to,
                   Format::PackWords(b.data + k * b.stride + j, b.stride, b.rows - k, b.cols - j));
      }
    }
  }
}

}  // namespace
}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_MATMUL_H_
