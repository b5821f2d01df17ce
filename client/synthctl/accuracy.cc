#include "client/synthctl/accuracy.h"

#include "absl/strings/str_format.h"

namespace synth::synthctl {
namespace {

double Share(uint64_t part, uint64_t all) {
  return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

void Accuracy::Add(const client::BulkResult<v1::ClassifyResult>& item) {
  Count& count = item.tag == out_of_scope_label_ ? out_of_scope_ : in_scope_;
  ++count.all;
  if (!item.status.ok()) {
    ++failed_;
    return;
  }
  const v1::ClassifyResult& result = item.result;
  const bool rejected = result.out_of_scope().out_of_scope();
  if (!rejected && result.labels().empty()) return;
  const std::string& predicted = rejected ? out_of_scope_label_ : result.labels(0).name();
  if (predicted == item.tag) ++count.right;
}

std::string Accuracy::Summary() const {
  const uint64_t right = in_scope_.right + out_of_scope_.right;
  const uint64_t all = in_scope_.all + out_of_scope_.all;
  std::string summary =
      absl::StrFormat("accuracy %.4f (%d of %d texts)", Share(right, all), right, all);
  if (out_of_scope_.all > 0) {
    absl::StrAppendFormat(
        &summary, "; in scope %.4f (%d of %d); out-of-scope recall %.4f (%d of %d)",
        Share(in_scope_.right, in_scope_.all), in_scope_.right, in_scope_.all,
        Share(out_of_scope_.right, out_of_scope_.all), out_of_scope_.right, out_of_scope_.all);
  }
  if (failed_ > 0) absl::StrAppendFormat(&summary, "; %d failed", failed_);
  return summary;
}

}  // namespace synth::synthctl
