// The matrix product, once for every precision: a template over the format of its words. Included
// by the files that are compiled for one instruction set.
//
// A format says what a word is:
//   kDepthPerWord    numbers in a word
//   Sum              a vector of sums
//   Multiply(s, b, a)  the sums s + a · b of one word of A and a vector of words of B
//   ColumnsOf(b, j)    what is to know of kLanes columns of B from j on
//   Finish(s, columns) the sums as floats
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
constexpr Index kPanel = Index{kLanes} * kTileVectors;
// Rows of A that are multiplied by one panel after another: 96 rows of 1024 words stay in a 1 MiB
// L2.
constexpr Index kChunkRows = Index{16} * kTileRows;

template <class Format>
Index WordsOf(Index depth) {
  return (depth + Format::kDepthPerWord - 1) / Format::kDepthPerWord;
}

inline Index PanelWidth(Index cols, Index col) { return Min(kPanel, RoundUp(cols - col, kLanes)); }

// The sums [kRows, kVectors] of A's rows · panel, left in registers for `store`(row, vector, sum).
// Each element is one sum over the words 0, 1, ..., in that order.
template <class Format, int kRows, int kVectors, class Store>
[[gnu::always_inline]] inline void MultiplyTile(const Word* a, Index a_stride, const Word* panel,
                                                Index panel_stride, Index depth,
                                                const Store& store) {
  constexpr std::size_t kRowCount = kRows;  // array bounds are unsigned
  constexpr std::size_t kVectorCount = kVectors;
  typename Format::Sum sum[kRowCount][kVectorCount] = {};
  for (Index k = 0; k < depth; ++k) {
    IntVec b[kVectorCount];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) b[v] = LoadWords(panel + k * panel_stride + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      Word x;
      __builtin_memcpy(&x, a + r * a_stride + k, sizeof(x));
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Format::Multiply(sum[r][v], b[v], x);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) store(r, v, sum[r][v]);
  }
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
  return x;
}

// What is to know of a vector of columns. A bias of 0 changes no bit.
template <class Format>
struct FinishedColumns {
  typename Format::Columns of_format;
  Vec bias;
  Index count;  // those that are in C

  FinishedColumns(const Tile& tile, Index at)
      : of_format(Format::ColumnsOf(tile.b, at)), count(tile.c.cols - at) {
    const float* const all = tile.epilogue.bias;
    bias = all == nullptr ? Vec{} : LoadFirst(all + at, count, 0);
  }
};

// Nor does a scale of 1.
template <class Format>
float ScaleOf(const Tile& tile, Index row) {
  const float* const all = tile.epilogue.row_scale;
  return Format::RowScale(tile.a, row) * (all == nullptr ? 1.0F : all[row]);
}

template <class Format, EpilogueActivation kActivation, bool kAccumulate>
[[gnu::always_inline]] inline void FinishVector(typename Format::Sum sum,
                                                const FinishedColumns<Format>& columns, float scale,
                                                float* to) {
  const Vec p = Format::Finish(sum, columns.of_format) * scale + columns.bias;
  Vec y = Activate<Format, kActivation>(p);
  if constexpr (kAccumulate) y = y + LoadFirst(to, columns.count, 0);
  StoreFirst(to, y, columns.count);
}

// --- Tiles of every size ---

// A tile at the edge of C: the sums pass through memory.
template <class Format, int kRows, int kVectors>
void MultiplyEdge(const Tile& tile, const Word* panel, Index panel_stride, Index depth,
                  typename Format::Sum* sums) {
  MultiplyTile<Format, kRows, kVectors>(
      tile.a_rows(), tile.a.stride, panel, panel_stride, depth,
      [sums](int r, int v, typename Format::Sum sum) { sums[v * kRows + r] = sum; });
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
  typename Format::Sum sums[kTileRows * kTileVectors];
  EdgeOf<Format>(rows, vectors)(tile, panel, panel_stride, depth, sums);
  const typename Format::Sum* sum = sums;
  for (Index v = 0; v < vectors; ++v) {
    const Index at = tile.col + v * kLanes;
    const FinishedColumns<Format> columns(tile, at);
    for (Index r = 0; r < rows; ++r) {
      FinishVector<Format, kActivation, kAccumulate>(
          *sum++, columns, ScaleOf<Format>(tile, tile.row + r),
          tile.c.data + (tile.row + r) * tile.c.stride + at);
    }
  }
}

// A whole tile: the sums are finished where they are, in registers.
template <class Format, EpilogueActivation kActivation, bool kAccumulate>
void WholeTile(const Tile& tile, const Word* panel, Index depth) {
  float scale[kTileRows];
  for (int r = 0; r < kTileRows; ++r) scale[r] = ScaleOf<Format>(tile, tile.row + r);
  float* const to = tile.c.data + tile.row * tile.c.stride + tile.col;
  MultiplyTile<Format, kTileRows, kTileVectors>(
      tile.a_rows(), tile.a.stride, panel, kPanel, depth,
      [&](int r, int v, typename Format::Sum sum) {
        const FinishedColumns<Format> columns(tile, tile.col + v * kLanes);
        FinishVector<Format, kActivation, kAccumulate>(sum, columns, scale[r],
                                                       to + r * tile.c.stride + v * kLanes);
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
