#ifndef SYNTH_CLIENT_SYNTHCTL_ACCURACY_H_
#define SYNTH_CLIENT_SYNTHCTL_ACCURACY_H_

#include <cstdint>
#include <string>
#include <utility>

#include "synth/client/bulk.h"
#include "synth/v1/inference.pb.h"

namespace synth::synthctl {

// Counts how often the likeliest label was the expected one. A text that failed counts as wrong.
class Accuracy {
 public:
  // `out_of_scope_label` is what texts are labelled that belong to none of the model's labels. A
  // text that the model's out-of-scope rule rejects is taken as predicted to be that.
  explicit Accuracy(std::string out_of_scope_label)
      : out_of_scope_label_(std::move(out_of_scope_label)) {}

  // The expected label is the item's tag.
  void Add(const client::BulkResult<v1::ClassifyResult>& item);

  // "accuracy 0.9533 (4290 of 4500 texts)", and in-scope accuracy and out-of-scope recall apart
  // where some texts were expected to be out of scope.
  std::string Summary() const;

 private:
  struct Count {
    uint64_t right = 0;
    uint64_t all = 0;
  };

  const std::string out_of_scope_label_;
  Count in_scope_;
  Count out_of_scope_;
  uint64_t failed_ = 0;
};

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_ACCURACY_H_
