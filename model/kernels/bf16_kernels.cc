// Products in bfloat16 (the upper half of a float), summed in f32: AVX512_BF16's VDPBF16PS, which
// rounds to nearest even and takes denormal numbers for zero.

#include <immintrin.h>

#include <cstdint>

#include "model/kernels/kernels.h"
#include "model/kernels/matmul.h"
#include "model/kernels/vectors.h"

namespace synth {
const MatmulKernels& Bf16Kernels();

namespace {

using HalfIntVec = std::uint16_t __attribute__((vector_size(kVectorBytes / 2)));

// x in bfloat16, each in the lower half of a word.
IntVec ToBf16(Vec x) {
  return __builtin_convertvector(reinterpret_cast<HalfIntVec>(_mm512_cvtneps_pbh(x)), IntVec);
}

// A word is two bfloat16, the first in its lower half.
struct Bf16 {
  static constexpr Index kDepthPerWord = 2;
  using Sum = Vec;
  struct Columns {};

  static Sum Multiply(Sum sum, IntVec b, Word a) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(b),
                            reinterpret_cast<__m512bh>(_mm512_set1_epi32(a)));
  }
  static Sum Start(const PackedView&, Index) { return Sum{}; }
  static Columns ColumnsOf(const PackedView&, Index) { return {}; }
  static Vec Finish(Sum sum, Columns) { return sum; }
  static Vec Gelu(Vec x) { return RoughGelu(x); }
  static float RowScale(const Operand&, Index) { return 1.0F; }
  static IntVec PackWords(const float* b, Index stride, Index rows, Index cols) {
    const IntVec low = ToBf16(LoadFirst(b, cols, 0));
    if (rows == 1) return low;
    return low | (ToBf16(LoadFirst(b + stride, cols, 0)) << 16);
  }
};

void Prepare(const ConstMatrix& x, void* words, float* /*scale*/) {
  const Index depth = WordsOf<Bf16>(x.cols);
  auto* to = static_cast<Word*>(words);
  for (Index i = 0; i < x.rows; ++i, to += depth) {
    const float* const row = x.data + i * x.stride;
    for (Index k = 0; k < depth; k += kLanes) {
      const Index count = x.cols - 2 * k;
      const Vec first = LoadFirst(row + 2 * k, count, 0);
      const Vec second =
          count > kLanes ? LoadFirst(row + 2 * k + kLanes, count - kLanes, 0) : Vec{};
      const auto y = reinterpret_cast<Vec>(_mm512_cvtne2ps_pbh(second, first));
      StoreFirst(reinterpret_cast<float*>(to + k), y, depth - k);
    }
  }
}

void PrepareWeights(const ConstMatrix& b_transposed, void* words, float* scale,
                    std::int32_t* /*offset*/) {
  Prepare(b_transposed, words, scale);
}

constexpr MatmulKernels kKernels = {
    .precision = "bf16",
    .depth_per_word = Bf16::kDepthPerWord,
    .lanes = kLanes,
    .panel = kPanel,
    .prepare = &Prepare,
    .prepare_weights = &PrepareWeights,
    .pack_transposed = &PackTransposed<Bf16>,
    .pack = &Pack<Bf16>,
    .matmul = &Matmul<Bf16>,
};

}  // namespace

const MatmulKernels& Bf16Kernels() { return kKernels; }

}  // namespace synth
