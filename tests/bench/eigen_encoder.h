#ifndef SYNTH_TESTS_BENCH_EIGEN_ENCODER_H_
#define SYNTH_TESTS_BENCH_EIGEN_ENCODER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "model/checkpoint/checkpoint.h"

namespace synth {

// What one would write with Eigen: a post-norm encoder with factorized_random attention (computed
// ahead for texts of `length` tokens) and GELU, for batches of texts of that length. Compiled for
// x86-64-v3. A yardstick for the engine's AVX2 kernels.
class EigenEncoder {
 public:
  EigenEncoder(const Checkpoint& checkpoint, int length);
  ~EigenEncoder();
  EigenEncoder(const EigenEncoder&) = delete;
  EigenEncoder& operator=(const EigenEncoder&) = delete;

  // token_ids: [B * length] -> hidden states [B * length, D], valid until the next call.
  std::span<const float> Forward(std::span<const std::int32_t> token_ids);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synth

#endif  // SYNTH_TESTS_BENCH_EIGEN_ENCODER_H_
