// The kernels, in vectors as wide as the instruction set that this file is compiled for. CMake
// compiles it once per set, with SYNTH_ISA_FUNCTION naming what it defines and SYNTH_ISA_NAME the
// set.
//
// Everything lives in an anonymous namespace and nothing from the C++ library is called: see
// kernels.h.

#include <cstddef>
#include <cstdint>

#include "model/kernels/kernels.h"

namespace synth {
const Kernels& SYNTH_ISA_FUNCTION();

namespace {

// The tile of C that stays in registers is 6 rows by kTileVectors vectors. Of AVX-512's 32
// registers that takes 24, and 4 for the row of B; of the 16 of SSE and AVX 12, and 2.
#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kTileVectors = 4;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
constexpr int kTileVectors = 2;
#else
constexpr int kVectorBytes = 16;
constexpr int kTileVectors = 2;
#endif
constexpr int kTileRows = 6;
constexpr Index kLanes = kVectorBytes / 4;
constexpr Index kPanel = kLanes * kTileVectors;
// Rows of A that are multiplied by one panel after another: 96 rows of 1024 floats stay in a 1 MiB
// L2.
constexpr Index kChunkRows = Index{16} * kTileRows;

using Vec = float __attribute__((vector_size(kVectorBytes)));
using IntVec = std::int32_t __attribute__((vector_size(kVectorBytes)));
using UnalignedVec = float __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));

Index Min(Index a, Index b) { return a < b ? a : b; }
Index RoundUp(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

Vec Splat(float x) { return x - Vec{}; }
Vec Load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
void Store(float* p, Vec x) { *reinterpret_cast<UnalignedVec*>(p) = x; }

// A vector that passes through memory, lane by lane.
struct Lanes {
  float lane[kLanes];
};

// Vectors at the end of a row: only `count` lanes are in memory, the others are `rest`.
Vec LoadFirst(const float* p, Index count, float rest) {
  if (count >= kLanes) return Load(p);
  Lanes x = {};
  for (Index i = 0; i < kLanes; ++i) x.lane[i] = i < count ? p[i] : rest;
  return Load(x.lane);
}
void StoreFirst(float* p, Vec value, Index count) {
  if (count >= kLanes) return Store(p, value);
  Lanes x = {};
  Store(x.lane, value);
  for (Index i = 0; i < count; ++i) p[i] = x.lane[i];
}

float Sum(Vec value) {
  Lanes x = {};
  Store(x.lane, value);
  float sum = 0;
  for (const float lane : x.lane) sum += lane;
  return sum;
}
float Max(Vec value) {
  Lanes x = {};
  Store(x.lane, value);
  float max = x.lane[0];
  for (const float lane : x.lane) max = lane > max ? lane : max;
  return max;
}

// --- Matrix product ---

// Applies the epilogue to a tile [rows, vectors] and stores it. Apart from the tile's own loop,
// which it would leave too few registers.
[[gnu::noinline]] void StoreTile(const Vec* tile, int rows, int vectors, const Epilogue& epilogue,
                                 const Matrix& c, Index row, Index col) {
  for (int r = 0; r < rows; ++r) {
    float* const c_row = c.data + (row + r) * c.stride;
    for (int v = 0; v < vectors; ++v) {
      const Index at = col + v * kLanes;
      const Index count = c.cols - at;
      Vec y = *tile++;
      if (epilogue.row_scale != nullptr) y = y * epilogue.row_scale[row + r];
      if (epilogue.bias != nullptr) y = y + LoadFirst(epilogue.bias + at, count, 0);
      if (epilogue.accumulate) y = y + LoadFirst(c_row + at, count, 0);
      StoreFirst(c_row + at, y, count);
    }
  }
}

// C[row.., col..] = A[row.., :] · panel. Each element is one sum over k = 0, 1, ..., in that order.
template <int kRows, int kVectors>
void MultiplyTile(const ConstMatrix& a, const float* panel, Index panel_width,
                  const Epilogue& epilogue, const Matrix& c, Index row, Index col) {
  constexpr std::size_t kRowCount = kRows;  // array bounds are unsigned
  constexpr std::size_t kVectorCount = kVectors;
  Vec sum[kRowCount][kVectorCount] = {};
  const float* const a_rows = a.data + row * a.stride;
  const Index stride = a.stride;
  const Index depth = a.cols;
  for (Index k = 0; k < depth; ++k) {
    Vec b[kVectorCount];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) b[v] = Load(panel + k * panel_width + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const float x = a_rows[r * stride + k];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] += x * b[v];
    }
  }
  Vec out[kRowCount * kVectorCount];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) out[r * kVectors + v] = sum[r][v];
  }
  StoreTile(out, kRows, kVectors, epilogue, c, row, col);
}

using TileFunction = void (*)(const ConstMatrix&, const float*, Index, const Epilogue&,
                              const Matrix&, Index, Index);

template <int kRows>
TileFunction TileOf(Index vectors) {
  if constexpr (kTileVectors == 4) {
    if (vectors == 4) return &MultiplyTile<kRows, 4>;
    if (vectors == 3) return &MultiplyTile<kRows, 3>;
  }
  return vectors == 2 ? &MultiplyTile<kRows, 2> : &MultiplyTile<kRows, 1>;
}

TileFunction TileOf(Index rows, Index vectors) {
  switch (rows) {
    case 1:
      return TileOf<1>(vectors);
    case 2:
      return TileOf<2>(vectors);
    case 3:
      return TileOf<3>(vectors);
    case 4:
      return TileOf<4>(vectors);
    case 5:
      return TileOf<5>(vectors);
    default:
      return TileOf<kTileRows>(vectors);
  }
}

Index PanelWidth(Index cols, Index col) { return Min(kPanel, RoundUp(cols - col, kLanes)); }

void Matmul(const ConstMatrix& a, const PackedView& b, const Epilogue& epilogue, const Matrix& c) {
  for (Index chunk = 0; chunk < c.rows; chunk += kChunkRows) {
    const Index chunk_end = Min(chunk + kChunkRows, c.rows);
    for (Index col = 0; col < c.cols; col += kPanel) {
      const float* const panel = b.data + col * b.rows;
      const Index width = PanelWidth(b.cols, col);
      const Index vectors = PanelWidth(c.cols, col) / kLanes;
      for (Index row = chunk; row < chunk_end; row += kTileRows) {
        const Index rows = Min(kTileRows, chunk_end - row);
        TileOf(rows, vectors)(a, panel, width, epilogue, c, row, col);
      }
    }
  }
}

void Pack(const ConstMatrix& b, float* packed) {
  for (Index col = 0; col < b.cols; col += kPanel) {
    const Index width = PanelWidth(b.cols, col);
    for (Index k = 0; k < b.rows; ++k) {
      for (Index j = col; j < col + width; j += kLanes) {
        const Index count = b.cols - j;
        Store(packed, LoadFirst(b.data + k * b.stride + j, count, 0));
        packed += kLanes;
      }
    }
  }
}

void PackTransposed(const ConstMatrix& b_transposed, float* packed) {
  const Index cols = b_transposed.rows;
  const Index depth = b_transposed.cols;
  for (Index col = 0; col < cols; col += kPanel) {
    const Index width = PanelWidth(cols, col);
    for (Index j = 0; j < width; ++j) {
      const bool padding = col + j >= cols;
      const float* const from = b_transposed.data + (col + j) * b_transposed.stride;
      for (Index k = 0; k < depth; ++k) packed[k * width + j] = padding ? 0.0F : from[k];
    }
    packed += width * depth;
  }
}

// --- Element by element ---

// exp(x) = 2^i · e^r with i = round(x / ln 2), |r| <= ln 2 / 2, and Cephes' polynomial for e^r:
// within 2 ulp. 0 below the smallest normal float; at most exp(88).
Vec Exp(Vec x) {
  constexpr float kLowest = -87.3F;
  constexpr float kHighest = 88.0F;
  constexpr float kRound = 0x1.8p23F;  // adding and subtracting it rounds to an integer
  const Vec bounded_below = x < kLowest ? Splat(kLowest) : x;
  const Vec t = bounded_below > kHighest ? Splat(kHighest) : bounded_below;
  const Vec i = (t * 1.44269504F + kRound) - kRound;
  // ln 2 in two parts; i times the first is exact.
  const Vec r = (t - i * 0.693359375F) - i * -2.12194440e-4F;
  Vec p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  constexpr int kExponentBias = 127;
  constexpr int kFractionBits = 23;
  const IntVec bits = (__builtin_convertvector(i, IntVec) + kExponentBias) << kFractionBits;
  const Vec y = p * reinterpret_cast<Vec>(bits);
  return x < kLowest ? Vec{} : y;
}

// erf(x) = x P(x²) / Q(x²) on [-4, 4], outside of which a float rounds it to ±1. The coefficients
// are those of Eigen and XLA; within 1e-6.
Vec Erf(Vec x) {
  constexpr float kBound = 4.0F;
  const Vec bounded_below = x < -kBound ? Splat(-kBound) : x;
  const Vec t = bounded_below > kBound ? Splat(kBound) : bounded_below;
  const Vec t2 = t * t;
  Vec p = t2 * -2.72614225801306e-10F + 2.77068142495902e-08F;
  p = p * t2 + -2.10102402082508e-06F;
  p = p * t2 + -5.69250639462346e-05F;
  p = p * t2 + -7.34990630326855e-04F;
  p = p * t2 + -2.95459980854025e-03F;
  p = p * t2 + -1.60960333262415e-02F;
  Vec q = t2 * -1.45660718464996e-05F + -2.13374055278905e-04F;
  q = q * t2 + -1.68282697438203e-03F;
  q = q * t2 + -7.37332916720468e-03F;
  q = q * t2 + -1.42647390514189e-02F;
  return t * p / q;
}

Vec ReluOf(Vec x) { return x > 0.0F ? x : Vec{}; }

Vec GeluOf(Vec x) {
  constexpr float kInverseSqrt2 = 0.707106781F;
  return 0.5F * x * (1.0F + Erf(x * kInverseSqrt2));
}

// With (1 + tanh(y)) / 2 = 1 / (1 + exp(-2y)).
Vec GeluNewOf(Vec x) {
  constexpr float kTwoSqrt2OverPi = 1.59576912F;
  const Vec y2 = kTwoSqrt2OverPi * (x + 0.044715F * (x * x * x));
  return x / (1.0F + Exp(-y2));
}

template <Vec (*kFunction)(Vec)>
void Map(const Matrix& x) {
  for (Index i = 0; i < x.rows; ++i) {
    float* const row = x.data + i * x.stride;
    for (Index j = 0; j < x.cols; j += kLanes) {
      StoreFirst(row + j, kFunction(LoadFirst(row + j, x.cols - j, 0)), x.cols - j);
    }
  }
}

void Add(const ConstMatrix& y, const Matrix& x) {
  for (Index i = 0; i < x.rows; ++i) {
    float* const to = x.data + i * x.stride;
    const float* const from = y.data + i * y.stride;
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Index count = x.cols - j;
      StoreFirst(to + j, LoadFirst(to + j, count, 0) + LoadFirst(from + j, count, 0), count);
    }
  }
}

// --- Row by row ---

void ExpRows(const Matrix& x, float* reciprocal) {
  constexpr float kMinusInfinity = -__builtin_inff();
  for (Index i = 0; i < x.rows; ++i) {
    float* const row = x.data + i * x.stride;
    Vec max = Splat(kMinusInfinity);
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Vec value = LoadFirst(row + j, x.cols - j, kMinusInfinity);
      max = value > max ? value : max;
    }
    const Vec row_max = Splat(Max(max));
    Vec sum = {};
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Vec e = Exp(LoadFirst(row + j, x.cols - j, kMinusInfinity) - row_max);
      StoreFirst(row + j, e, x.cols - j);
      sum += e;
    }
    reciprocal[i] = 1.0F / Sum(sum);
  }
}

void LayerNorm(const ConstMatrix& x, const float* gain, const float* bias, float eps,
               const Matrix& y) {
  const auto cols = static_cast<float>(x.cols);
  for (Index i = 0; i < x.rows; ++i) {
    const float* const from = x.data + i * x.stride;
    float* const to = y.data + i * y.stride;
    Vec sum = {};
    for (Index j = 0; j < x.cols; j += kLanes) sum += LoadFirst(from + j, x.cols - j, 0);
    const float mean = Sum(sum) / cols;
    Vec squares = {};
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Vec d = LoadFirst(from + j, x.cols - j, mean) - mean;
      squares += d * d;
    }
    const float scale = 1.0F / __builtin_sqrtf(Sum(squares) / cols + eps);
    for (Index j = 0; j < x.cols; j += kLanes) {
      const Index count = x.cols - j;
      const Vec normal = (LoadFirst(from + j, count, 0) - mean) * scale;
      StoreFirst(to + j, normal * LoadFirst(gain + j, count, 0) + LoadFirst(bias + j, count, 0),
                 count);
    }
  }
}

constexpr Kernels kKernels = {
    .name = SYNTH_ISA_NAME,
    .lanes = kLanes,
    .panel = kPanel,
    .matmul = &Matmul,
    .pack = &Pack,
    .pack_transposed = &PackTransposed,
    .exp_rows = &ExpRows,
    .relu = &Map<&ReluOf>,
    .gelu = &Map<&GeluOf>,
    .gelu_new = &Map<&GeluNewOf>,
    .add = &Add,
    .layer_norm = &LayerNorm,
};

}  // namespace

const Kernels& SYNTH_ISA_FUNCTION() { return kKernels; }

}  // namespace synth
