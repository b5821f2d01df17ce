// The matrix product, once for every precision: a template over the format of its words. Included
// by the files that are compiled for one instruction set.
//
// A format says what a word is:
//   kDepthPerWord    numbers in a word
//   Sum              a vector of sums
//   Multiply(s, b, a)  the sums s + a · b of one word of A and a vector of words of B
//   Column(b, j)     what is to know of kLanes columns of B from j on
//   Finish(s, c)     the sums as floats
//   RowScale(a, i)   what Finish's result is to be multiplied by in row i
//   PackTile         see Pack

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

// sums [kRows, kVectors] = A's rows · panel. Each element is one sum over the words 0, 1, ..., in
// that order.
template <class Format, int kRows, int kVectors>
void MultiplyTile(const Word* a, Index a_stride, const Word* panel, Index panel_stride, Index depth,
                  typename Format::Sum* sums) {
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
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r * kVectors + v] = sum[r][v];
  }
}

template <class Format>
using TileFunction = void (*)(const Word*, Index, const Word*, Index, Index, typename Format::Sum*);

template <class Format, int kRows>
TileFunction<Format> TileOf(Index vectors) {
  if constexpr (kTileVectors == 4) {
    if (vectors == 4) return &MultiplyTile<Format, kRows, 4>;
    if (vectors == 3) return &MultiplyTile<Format, kRows, 3>;
  }
  return vectors == 2 ? &MultiplyTile<Format, kRows, 2> : &MultiplyTile<Format, kRows, 1>;
}

template <class Format>
TileFunction<Format> TileOf(Index rows, Index vectors) {
  switch (rows) {
    case 1:
      return TileOf<Format, 1>(vectors);
    case 2:
      return TileOf<Format, 2>(vectors);
    case 3:
      return TileOf<Format, 3>(vectors);
    case 4:
      return TileOf<Format, 4>(vectors);
    case 5:
      return TileOf<Format, 5>(vectors);
    default:
      return TileOf<Format, kTileRows>(vectors);
  }
}

template <EpilogueActivation kActivation>
Vec Activate(Vec x) {
  if constexpr (kActivation == EpilogueActivation::kRelu) return Relu(x);
  if constexpr (kActivation == EpilogueActivation::kGelu) return Gelu(x);
  if constexpr (kActivation == EpilogueActivation::kGeluNew) return GeluNew(x);
  return x;
}

// Applies the epilogue to the sums [rows, vectors] of a tile and stores it. A scale of 1 and a bias
// of 0 change no bit.
template <class Format, EpilogueActivation kActivation, bool kAccumulate>
[[gnu::noinline]] void FinishTile(const typename Format::Sum* sums, Index rows, Index vectors,
                                  const Operand& a, const PackedView& b, const Epilogue& epilogue,
                                  const Matrix& c, Index row, Index col) {
  float scale[kTileRows];
  for (Index r = 0; r < rows; ++r) {
    const float own = epilogue.row_scale == nullptr ? 1.0F : epilogue.row_scale[row + r];
    scale[r] = Format::RowScale(a, row + r) * own;
  }
  for (Index v = 0; v < vectors; ++v) {
    const Index at = col + v * kLanes;
    const Index count = c.cols - at;
    const auto column = Format::ColumnsOf(b, at);
    const Vec bias = epilogue.bias == nullptr ? Vec{} : LoadFirst(epilogue.bias + at, count, 0);
    float* to = c.data + row * c.stride + at;
    for (Index r = 0; r < rows; ++r, to += c.stride) {
      const Vec p = Format::Finish(sums[r * vectors + v], column);
      Vec y = Activate<kActivation>(p * scale[r] + bias);
      if constexpr (kAccumulate) y = y + LoadFirst(to, count, 0);
      StoreFirst(to, y, count);
    }
  }
}

template <class Format>
auto FinishOf(const Epilogue& epilogue) {
  using Activation = EpilogueActivation;
  if (epilogue.accumulate) return &FinishTile<Format, Activation::kNone, true>;
  switch (epilogue.activation) {
    case Activation::kRelu:
      return &FinishTile<Format, Activation::kRelu, false>;
    case Activation::kGelu:
      return &FinishTile<Format, Activation::kGelu, false>;
    case Activation::kGeluNew:
      return &FinishTile<Format, Activation::kGeluNew, false>;
    case Activation::kNone:
      break;
  }
  return &FinishTile<Format, Activation::kNone, false>;
}

template <class Format>
void Matmul(const Operand& a, const PackedView& b, const Epilogue& epilogue, const Matrix& c) {
  const auto* const a_words = static_cast<const Word*>(a.words);
  const auto* const b_words = static_cast<const Word*>(b.words);
  const Index depth = WordsOf<Format>(a.depth);
  const auto finish = FinishOf<Format>(epilogue);
  typename Format::Sum sums[kTileRows * kTileVectors];
  for (Index chunk = 0; chunk < c.rows; chunk += kChunkRows) {
    const Index chunk_end = Min(chunk + kChunkRows, c.rows);
    for (Index col = 0; col < c.cols; col += kPanel) {
      const Word* const panel = b_words + col * depth;
      const Index width = PanelWidth(b.cols, col);
      const Index vectors = PanelWidth(c.cols, col) / kLanes;
      for (Index row = chunk; row < chunk_end; row += kTileRows) {
        const Index rows = Min(kTileRows, chunk_end - row);
        TileOf<Format>(rows, vectors)(a_words + row * a.stride, a.stride, panel, width, depth,
                                      sums);
        finish(sums, rows, vectors, a, b, epilogue, c, row, col);
      }
    }
  }
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
