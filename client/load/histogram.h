#ifndef SYNTH_CLIENT_LOAD_HISTOGRAM_H_
#define SYNTH_CLIENT_LOAD_HISTOGRAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace synth::load {

// A histogram of durations in the manner of HdrHistogram, with three significant digits.
//
// The slots are log-linear: each power of two is cut into 1024 slots of equal width. Every duration
// below 2048 ns has a slot of its own; above, a slot is at most 1/1024 of its values wide and
// answers with its middle, so a percentile is off by at most kMaxRelativeError. It costs 450 KB
// whatever is recorded; recording is a shift and an increment. Not thread-safe.
class Histogram {
 public:
  static constexpr double kMaxRelativeError = 1.0 / 2048;

  Histogram();

  // A negative duration counts as zero.
  void Record(std::chrono::nanoseconds value);
  // As if all that was recorded in `other` had been recorded here.
  void Merge(const Histogram& other);

  uint64_t Count() const { return count_; }
  // Exact, and zero for an empty histogram, as all of the following.
  std::chrono::nanoseconds Min() const;
  std::chrono::nanoseconds Max() const;
  double MeanNanoseconds() const;

  // The nearest-rank percentile: the smallest recorded duration that at least `percent` % of all
  // are not above, within kMaxRelativeError. Out of [0, 100]: as the nearer end.
  std::chrono::nanoseconds Percentile(double percent) const;

 private:
  std::vector<uint64_t> slots_;
  uint64_t count_ = 0;
  uint64_t min_;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace synth::load

#endif  // SYNTH_CLIENT_LOAD_HISTOGRAM_H_
