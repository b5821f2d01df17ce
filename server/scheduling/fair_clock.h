#ifndef SYNTH_SERVER_SCHEDULING_FAIR_CLOCK_H_
#define SYNTH_SERVER_SCHEDULING_FAIR_CLOCK_H_

#include <functional>
#include <queue>
#include <vector>

namespace synth::scheduling {

// The virtual time of a fair order of calls. Imagine lanes that serve all calls at the same time,
// with an equal share for each: a call of c lane seconds that joins at virtual time v would be done
// at v + c, because virtual time runs as fast as each call is served. That is the call's tag. Real
// lanes serve one call after another, the lowest tag first: no call ends later than it would with
// equal shares, a short call overtakes a long one, calls of one length keep the order of arrival,
// and a later call overtakes only if it is shorter than what equal shares would have left of this
// one.
//
// Join and Serve cost O(log calls), amortised. Not thread-safe.
class FairClock {
 public:
  // The tag that a call of `cost` lane seconds would get now.
  double TagOf(double cost) const { return now_ + cost; }

  // A call with that tag is there from now on.
  void Join(double tag) { tags_.push(tag); }

  // The lanes have done (or dropped) work that was predicted to take `seconds`. Everything that
  // joined is served in the end, by the prediction it joined with.
  void Serve(double seconds);

  // Nothing is left to be served; takes rounding errors away.
  void Clear() { tags_ = {}; }

  double now() const { return now_; }

 private:
  double now_ = 0;
  // Of the calls that would still be served if all had equal shares.
  std::priority_queue<double, std::vector<double>, std::greater<>> tags_;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_FAIR_CLOCK_H_
