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
  has_rule_ |= result.has_out_of_scope();
  if (result.out_of_scope().out_of_scope()) ++count.marked;
  if (!result.labels().empty() && result.labels(0).name() == item.tag) ++count.right;
}

std::string Accuracy::Summary() const {
  std::string summary =
      absl::StrFormat("accuracy %.4f (%d of %d texts)", Share(in_scope_.right, in_scope_.all),
                      in_scope_.right, in_scope_.all);
  if (has_rule_) {
    absl::StrAppendFormat(&summary, "; marked out of scope: %.4f of these (%d)",
                          Share(in_scope_.marked, in_scope_.all), in_scope_.marked);
  }
  if (has_rule_ && out_of_scope_.all > 0) {
    absl::StrAppendFormat(&summary, ", %.4f of the texts without a label (%d of %d)",
                          Share(out_of_scope_.marked, out_of_scope_.all), out_of_scope_.marked,
                          out_of_scope_.all);
  }
  if (failed_ > 0) absl::StrAppendFormat(&summary, "; %d failed", failed_);
  return summary;
}

}  // namespace synth::synthctl
