#include "model/kernels/float_buffer.h"

#include <cstddef>
#include <new>

#include "model/kernels/kernels.h"

namespace synth {
namespace {
constexpr std::align_val_t kCacheLine{64};
}  // namespace

void FloatBuffer::Free::operator()(float* data) const { ::operator delete(data, kCacheLine); }

float* FloatBuffer::Reserve(Index size) {
  if (size > capacity_) {
    data_.reset();
    capacity_ = 0;
    data_.reset(static_cast<float*>(
        ::operator new(static_cast<std::size_t>(size) * sizeof(float), kCacheLine)));
    capacity_ = size;
  }
  return data_.get();
}

}  // namespace synth
