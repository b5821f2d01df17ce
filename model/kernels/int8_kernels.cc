// Products in 8-bit integers, summed without error in 32 bits: AVX512_VNNI's VPDPBUSD, which
// multiplies unsigned by signed bytes.
//
// A row of activations is x_k = s_i q_k with q_k in [-127, 127] and s_i = max |x| / 127, stored as
// q_k + 128; a column of weights is w_k = s_j r_k likewise, stored as r_k. So
//   Σ x_k w_k = s_i s_j (Σ (q_k + 128) r_k - 128 Σ r_k),
// where the last term is what the column's sums start from.

#include <immintrin.h>

#include <cstdint>

#include "model/kernels/kernels.h"
#include "model/kernels/matmul.h"
#include "model/kernels/vectors.h"

namespace synth {
const MatmulKernels& Int8Kernels();

namespace {

constexpr float kSteps = 127.0F;
constexpr std::int32_t kOffset = 128;

// A word is four bytes, the first in the lowest.
struct Int8 {
  static constexpr Index kDepthPerWord = 4;
  using Sum = IntVec;
  struct Columns {
    Vec scale;
  };

  static Sum Multiply(Sum sum, IntVec b, Word a) {
    return reinterpret_cast<Sum>(_mm512_dpbusd_epi32(
        reinterpret_cast<__m512i>(sum), _mm512_set1_epi32(a), reinterpret_cast<__m512i>(b)));
  }
  static Sum Start(const PackedView& b, Index col) { return LoadWords(b.offset + col); }
  static Columns ColumnsOf(const PackedView& b, Index col) { return {Load(b.scale + col)}; }
  static Vec Finish(Sum sum, const Columns& columns) {
    return __builtin_convertvector(sum, Vec) * columns.scale;
  }
  static float RowScale(const Operand& a, Index row) { return a.scale[row]; }
  static Vec Gelu(Vec x) { return RoughGelu(x); }
};

// NaN where there is one. The bits of numbers without a sign are ordered like the numbers, and
// those of NaN are above all others.
float MaxAbs(const float* row, Index cols) {
  __m512i max = _mm512_setzero_si512();
  for (Index k = 0; k < cols; k += kLanes) {
    const Vec magnitude = _mm512_abs_ps(LoadFirst(row + k, cols - k, 0));
    max = _mm512_max_epi32(max, reinterpret_cast<__m512i>(magnitude));
  }
  const std::int32_t bits = _mm512_reduce_max_epi32(max);
  float result = 0;
  __builtin_memcpy(&result, &bits, sizeof(result));
  return result;
}

// Words of round(x · inverse) + offset: adding 1.5 · 2²³ leaves the rounded number in the lowest
// byte. Stored are as many whole words as `count` bytes fill.
void StoreQuantized(Vec x, float inverse, std::int32_t offset, std::uint8_t* to, Index count) {
  const Vec y = x * inverse + (0x1.8p23F + static_cast<float>(offset));
  const __m128i bytes = _mm512_maskz_cvtepi32_epi8(0xFFFF, reinterpret_cast<__m512i>(y));
  if (count >= kLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  } else {
    const Index words = WordsOf<Int8>(count);
    _mm_mask_storeu_epi32(to, static_cast<__mmask8>((1U << words) - 1), bytes);
  }
}

// Rows of x as bytes behind an offset, filled up to whole words. scale: [rows].
void QuantizeRows(const ConstMatrix& x, void* words, float* scale, std::int32_t offset) {
  const Index stride = WordsOf<Int8>(x.cols) * Int8::kDepthPerWord;
  auto* to = static_cast<std::uint8_t*>(words);
  for (Index i = 0; i < x.rows; ++i, to += stride) {
    const float* const row = x.data + i * x.stride;
    const float max = MaxAbs(row, x.cols);
    scale[i] = max / kSteps;  // NaN makes the whole row of the product NaN
    const float inverse = max > 0 ? kSteps / max : 0.0F;
    for (Index k = 0; k < x.cols; k += kLanes) {
      const Index count = x.cols - k;
      StoreQuantized(LoadFirst(row + k, count, 0), inverse, offset, to + k, count);
    }
  }
}

void Prepare(const ConstMatrix& x, void* words, float* scale) {
  QuantizeRows(x, words, scale, kOffset);
}

void PrepareWeights(const ConstMatrix& b_transposed, void* words, float* scale,
                    std::int32_t* offset) {
  QuantizeRows(b_transposed, words, scale, 0);
  const Index stride = WordsOf<Int8>(b_transposed.cols) * Int8::kDepthPerWord;
  const auto* row = static_cast<const std::int8_t*>(words);
  for (Index j = 0; j < b_transposed.rows; ++j, row += stride) {
    std::int32_t sum = 0;
    for (Index k = 0; k < stride; ++k) sum += row[k];
    offset[j] = -kOffset * sum;
  }
}

constexpr MatmulKernels kKernels = {
    .precision = "int8",
    .depth_per_word = Int8::kDepthPerWord,
    .lanes = kLanes,
    .panel = kPanel,
    .prepare = &Prepare,
    .prepare_weights = &PrepareWeights,
    .pack_transposed = &PackTransposed<Int8>,
    .pack = nullptr,
    .matmul = &Matmul<Int8>,
};

}  // namespace

const MatmulKernels& Int8Kernels() { return kKernels; }

}  // namespace synth
