#ifndef SYNTH_CLIENT_SYNTHCTL_OUTCOME_H_
#define SYNTH_CLIENT_SYNTHCTL_OUTCOME_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "client/synthctl/progress.h"
#include "client/synthctl/text_input.h"
#include "synth/client/bulk.h"

namespace synth::synthctl {

// Follows the results of a run over many texts: says on stderr which texts failed, decides when it
// is pointless to go on, and gives the exit code. Not thread-safe.
class Outcome {
 public:
  Outcome(const TextInput& input, Progress& progress) : input_(input), progress_(progress) {}

  // Takes note of one result; they come in order. False if the run should end: the server will
  // never take such requests (no such model, no classifier, ...), or kMaxFailuresInARow texts have
  // failed with their requests and none has succeeded in between.
  template <typename Result>
  bool Note(const client::BulkResult<Result>& item) {
    progress_.Advance();
    if (item.request_failed) return NoteFailedRequest(item.index, item.status);
    ReportFailedRequests();
    any_computed_ |= item.status.ok();
    if (!item.status.ok()) NoteFailedText(item.index, item.status);
    return true;
  }

  // Output that could not be written ends the run.
  void NoteFileError(const absl::Status& status);

  // Whether there is a result that is worth keeping.
  bool any_computed() const { return any_computed_; }

  // To be called once, at the end; `bulk` is what the run returned.
  int Finish(const absl::Status& bulk);

 private:
  static constexpr uint64_t kMaxFailuresInARow = 256;

  void NoteFailedText(std::size_t index, const absl::Status& status);
  bool NoteFailedRequest(std::size_t index, const absl::Status& status);
  // Writes one line for all consecutive texts that failed with their requests, if there are any.
  void ReportFailedRequests();

  const TextInput& input_;
  Progress& progress_;
  bool any_computed_ = false;
  bool text_failed_ = false;
  bool request_failed_ = false;
  bool file_failed_ = false;

  // Consecutive texts that failed with their requests, not yet reported: `failed_` of them from
  // `first_failed_` on, the first with `failure_`.
  std::size_t first_failed_ = 0;
  uint64_t failed_ = 0;
  absl::Status failure_;
};

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_OUTCOME_H_
