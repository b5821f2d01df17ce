#ifndef SYNTH_MODEL_KERNELS_FLOAT_BUFFER_H_
#define SYNTH_MODEL_KERNELS_FLOAT_BUFFER_H_

#include <cstddef>
#include <memory>

#include "model/kernels/kernels.h"

namespace synth {

// Floats at the start of a cache line. Grows on demand and never shrinks.
class FloatBuffer {
 public:
  // At least `size` floats. What the buffer held before is lost when it has to grow.
  float* Reserve(Index size);

  const float* data() const { return data_.get(); }
  std::size_t bytes() const { return static_cast<std::size_t>(capacity_) * sizeof(float); }

 private:
  struct Free {
    void operator()(float* data) const;
  };
  std::unique_ptr<float, Free> data_;
  Index capacity_ = 0;
};

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_FLOAT_BUFFER_H_
