#ifndef SYNTH_SERVER_SCHEDULING_JOB_H_
#define SYNTH_SERVER_SCHEDULING_JOB_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/base/clock.h"

namespace synth::scheduling {

class JobGroup;

// One text (or a pair of texts, for a model that reads two) on its way through the server, or one
// window of a long text. Between Submit and the
// group's OnAllDone it belongs to the scheduler: only the lane that holds it may touch it.
struct Job {
  // Set by the submitter.
  std::string_view text;    // must outlive the job
  std::string_view second;  // the second text of a pair, or empty; must outlive the job
  JobGroup* group = nullptr;
  std::size_t index = 0;  // which text of the request

  // Set on the way.
  double tag = 0;              // its call's place in the fair order: lower goes first (FairClock)
  std::uint64_t call = 0;      // its call's number, in order of arrival: decides between equal tags
  std::uint64_t sequence = 0;  // order of arrival, also within the call
  double cost = 0;             // lane seconds that the fair clock counts, fixed at Submit
  double seconds = 0;          // lane seconds still to come, as predicted by what is known now
  std::int64_t queue_tokens = 0;        // what it takes of the queue's bound
  int tokens = 0;                       // predicted, and exact once tokenized
  std::vector<std::int32_t> token_ids;  // [tokens]
  int original_tokens = 0;              // before truncation
  int first_segment = 0;                // tokens of the first of two texts; all of them if one
  absl::Status status;                  // not OK: this text failed, and only this one
  TimePoint submitted;
  Duration tokenize_time{};
  Duration queue_time{};    // from Submit to the start of compute, less tokenize_time
  Duration compute_time{};  // this text's share, by tokens, of its batch's time

  // A text that is too long for one pass becomes windows once it is tokenized. They are computed in
  // its stead, each when its turn comes, and it is done when the last of them is.
  std::vector<Job> windows;
  const Job* whole = nullptr;  // in a window: the text that it is part of
  std::vector<float> pooled;   // in a window: what its group keeps of it until all are there

  // To tokenize.
  std::size_t bytes() const;

  // True for texts, and for the first window of a text: where texts are counted.
  bool stands_for_text() const { return whole == nullptr || this == whole->windows.data(); }
};

// The first text of all pairs of a call, such as a query beside the texts that are ranked by it:
// the engine tokenizes it once, for whichever of them comes first.
struct SharedText {
  std::once_flag once;
  absl::Status status;
  std::vector<std::int32_t> token_ids;
};

// The texts of one call: admitted together, with one deadline and one cancellation.
class JobGroup {
 public:
  // What is to be done with its jobs.
  enum class Work { kTokenize, kCompute };
  // What happens to a text with more tokens than the model takes.
  enum class LongTexts { kTruncate, kFail, kWindows };

  JobGroup() = default;
  virtual ~JobGroup() = default;
  JobGroup(const JobGroup&) = delete;
  JobGroup& operator=(const JobGroup&) = delete;

  // On a lane, once for each job that was computed: its hidden states [n, D], valid during the
  // call. Jobs of one group may come at once from several lanes.
  virtual void OnHidden(Job& job, std::span<const float> hidden) = 0;

  // On a lane, once, after the last job is done (computed, failed or dropped). Nothing touches the
  // group or its jobs afterwards, so it may destroy itself.
  virtual void OnAllDone() = 0;

  // Constant after Submit.
  Work work = Work::kCompute;
  LongTexts long_texts = LongTexts::kTruncate;
  int window_overlap = 0;                   // tokens, with kWindows
  std::unique_ptr<SharedText> shared_text;  // if all jobs have the same `text`
  TimePoint deadline = TimePoint::max();

  // May be called at any time, from any thread: jobs not yet in a batch are dropped.
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  friend class Scheduler;
  std::atomic<bool> cancelled_{false};
  std::atomic<std::size_t> remaining_{0};
  // Guarded by the scheduler's mutex.
  std::int64_t queue_tokens_ = 0;  // of its jobs that are not done
  std::int64_t open_jobs_ = 0;     // jobs that are not done
  TimePoint submitted_;
  Duration predicted_{};  // its wait and its work; zero: not predicted
};

inline std::size_t Job::bytes() const {
  const bool is_counted_elsewhere = group != nullptr && group->shared_text != nullptr && index > 0;
  return (is_counted_elsewhere ? 0 : text.size()) + second.size();
}

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_JOB_H_
