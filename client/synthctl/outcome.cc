#include "client/synthctl/outcome.h"

#include <cstddef>
#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"
#include "client/synthctl/format.h"
#include "client/synthctl/options.h"

namespace synth::synthctl {
namespace {

// Whether other requests of the same kind may fare better.
bool IsPassing(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Outcome::NoteFailedText(std::size_t index, const absl::Status& status) {
  text_failed_ = true;
  progress_.Hide();
  absl::FPrintF(stderr, "synthctl: %s: %s\n", input_.NameOf(index), Describe(status));
}

bool Outcome::NoteFailedRequest(std::size_t index, const absl::Status& status) {
  request_failed_ = true;
  if (failed_ == 0) {
    first_failed_ = index;
    failure_ = status;
  }
  ++failed_;
  if (!IsPassing(status.code())) return false;
  if (failed_ < kMaxFailuresInARow) return true;
  ReportFailedRequests();
  absl::FPrintF(stderr, "synthctl: giving up after %d failures in a row\n", kMaxFailuresInARow);
  return false;
}

void Outcome::ReportFailedRequests() {
  if (failed_ == 0) return;
  progress_.Hide();
  const std::string first = input_.NameOf(first_failed_);
  if (!IsPassing(failure_.code())) {
    // True of every text, so it names none.
    absl::FPrintF(stderr, "synthctl: %s\n", Describe(failure_));
  } else if (failed_ == 1) {
    absl::FPrintF(stderr, "synthctl: %s: %s\n", first, Describe(failure_));
  } else {
    absl::FPrintF(stderr, "synthctl: %s to %s: %s\n", first,
                  input_.NameOf(first_failed_ + failed_ - 1), Describe(failure_));
  }
  failed_ = 0;
}

void Outcome::NoteFileError(const absl::Status& status) {
  file_failed_ = true;
  progress_.Hide();
  FailFile(status.message());
}

int Outcome::Finish(const absl::Status& bulk) {
  ReportFailedRequests();
  progress_.Hide();
  if (bulk.code() == absl::StatusCode::kInvalidArgument) return FailUsage(Describe(bulk));
  if (const absl::Status read = input_.ReadStatus(); !read.ok()) NoteFileError(read);
  if (file_failed_) return kFileError;
  if (request_failed_) return kServerError;
  return text_failed_ ? kTextsFailed : kOk;
}

}  // namespace synth::synthctl
