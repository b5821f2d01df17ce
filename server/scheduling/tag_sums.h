#ifndef SYNTH_SERVER_SCHEDULING_TAG_SUMS_H_
#define SYNTH_SERVER_SCHEDULING_TAG_SUMS_H_

#include <cmath>
#include <cstdint>
#include <map>

namespace synth::scheduling {

// What stands before a tag in the fair order, in sum. Tags within a millisecond are taken as one,
// so that a short call looks at a few sums however many calls there are. Not thread-safe.
class TagSums {
 public:
  // Changes the sum at `tag` by `value`, and the number of its members by `members`. A sum without
  // members is 0, which takes rounding errors away.
  void Add(double tag, double value, std::int64_t members) {
    const auto entry = sums_.try_emplace(Place(tag)).first;
    entry->second.value += value;
    entry->second.members += members;
    total_ += value;
    if (entry->second.members == 0) sums_.erase(entry);
    if (sums_.empty()) total_ = 0;
  }

  // The sum of all up to `tag`.
  double UpTo(double tag) const {
    double sum = 0;
    const auto end = sums_.upper_bound(Place(tag));
    for (auto entry = sums_.begin(); entry != end; ++entry) sum += entry->second.value;
    return sum;
  }

  double total() const { return total_; }

 private:
  struct Sum {
    double value = 0;
    std::int64_t members = 0;
  };
  static std::int64_t Place(double tag) { return std::llround(std::floor(tag * 1000)); }

  std::map<std::int64_t, Sum> sums_;
  double total_ = 0;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_TAG_SUMS_H_
