#ifndef SYNTH_MODEL_KERNELS_ALIGNED_BUFFER_H_
#define SYNTH_MODEL_KERNELS_ALIGNED_BUFFER_H_

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "model/kernels/kernels.h"

namespace synth {

// Numbers at the start of a cache line. Grows on demand and never shrinks.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::move(other.data_)), capacity_(std::exchange(other.capacity_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // At least `size` numbers. What the buffer held before is lost when it has to grow.
  T* Reserve(Index size) {
    if (size > capacity_) {
      data_.reset();
      capacity_ = 0;
      data_.reset(
          static_cast<T*>(::operator new(static_cast<std::size_t>(size) * sizeof(T), kCacheLine)));
      capacity_ = size;
    }
    return data_.get();
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t bytes() const { return static_cast<std::size_t>(capacity_) * sizeof(T); }

 private:
  static constexpr std::align_val_t kCacheLine{64};
  struct Free {
    void operator()(T* data) const { ::operator delete(data, kCacheLine); }
  };
  std::unique_ptr<T, Free> data_;
  Index capacity_ = 0;
};

}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_ALIGNED_BUFFER_H_
