#ifndef SYNTH_MODEL_ATTENTION_BY_LENGTH_H_
#define SYNTH_MODEL_ATTENTION_BY_LENGTH_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <mutex>

#include "model/kernels/kernels.h"

namespace synth {

// What is derived from the weights once for all texts of about the same length: up to 32 tokens, up
// to 64, up to 128, ..., up to L. A value is made when the first text of its class comes and kept,
// so memory follows the lengths that are seen: where a value grows with the square of its length,
// all together take at most 7/3 of what L alone takes. A text meets the same value whatever came
// before.
//
// T: made from a size and has bytes(). Thread-safe.
template <typename T>
class ByLength {
 public:
  explicit ByLength(Index max_length) : max_length_(max_length) {}
  ~ByLength() {
    for (const auto& value : values_) delete value.load();
  }
  ByLength(const ByLength&) = delete;
  ByLength& operator=(const ByLength&) = delete;

  // For texts of `length` tokens, 1 .. L. make(size): a unique_ptr to the value for at most `size`.
  template <typename Make>
  const T& Get(Index length, const Make& make) const {
    const std::size_t index = ClassOf(length);
    const T* value = values_[index].load(std::memory_order_acquire);
    return value != nullptr ? *value : MakeOnce(index, make);
  }

  // The shortest text for which a value of `size` is used.
  static Index ShortestFor(Index size) {
    const auto classed = static_cast<Index>(kShortest << ClassOf(size));
    return classed == static_cast<Index>(kShortest) ? 1 : classed / 2 + 1;
  }

  std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const auto& value : values_) {
      const T* const made = value.load(std::memory_order_acquire);
      if (made != nullptr) bytes += made->bytes();
    }
    return bytes;
  }

 private:
  static constexpr std::size_t kShortest = 32;

  static std::size_t ClassOf(Index length) {
    const std::size_t size = std::max(std::bit_ceil(static_cast<std::size_t>(length)), kShortest);
    return static_cast<std::size_t>(std::countr_zero(size / kShortest));
  }

  template <typename Make>
  const T& MakeOnce(std::size_t index, const Make& make) const {
    const std::lock_guard<std::mutex> lock(making_);
    if (const T* const made = values_[index].load(std::memory_order_acquire)) return *made;
    const Index size = std::min(static_cast<Index>(kShortest << index), max_length_);
    std::unique_ptr<const T> value = make(size);
    values_[index].store(value.get(), std::memory_order_release);
    return *value.release();
  }

  const Index max_length_;
  mutable std::mutex making_;
  // Owned; written under making_.
  mutable std::array<std::atomic<const T*>, 32> values_ = {};
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_BY_LENGTH_H_
