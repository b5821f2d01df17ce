#ifndef SYNTH_CLIENT_SYNTHCTL_ACCURACY_H_
#define SYNTH_CLIENT_SYNTHCTL_ACCURACY_H_

#include <cstdint>
#include <string>
#include <utility>

#include "synth/client/bulk.h"
#include "synth/v1/inference.pb.h"

namespace synth::synthctl {

// Compares results with the labels that were expected. Two questions are kept apart: is the
// likeliest label right, and does the model's out-of-scope rule mark the right texts? A text that
// failed is wrong in both.
class Accuracy {
 public:
  // `out_of_scope_label` is what texts are labelled that belong to none of the model's labels.
  explicit Accuracy(std::string out_of_scope_label)
      : out_of_scope_label_(std::move(out_of_scope_label)) {}

  // The expected label is the item's tag.
  void Add(const client::BulkResult<v1::ClassifyResult>& item);

  // "accuracy 0.9533 (4290 of 4500 texts)" over the texts that have a label, and where the model
  // has an out-of-scope rule "; marked out of scope: 0.0500 of these (225), 0.6500 of the texts
  // without a label (65 of 100)".
  std::string Summary() const;

 private:
  struct Count {
    uint64_t all = 0;
    uint64_t right = 0;   // the likeliest label was the expected one
    uint64_t marked = 0;  // out of scope
  };

  const std::string out_of_scope_label_;
  Count in_scope_;
  Count out_of_scope_;
  uint64_t failed_ = 0;
  bool has_rule_ = false;
};

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_ACCURACY_H_
