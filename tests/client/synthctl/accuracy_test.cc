#include "client/synthctl/accuracy.h"

#include <gtest/gtest.h>

namespace synth::synthctl {
namespace {

client::BulkResult<v1::ClassifyResult> Item(const std::string& expected,
                                            const std::string& predicted) {
  client::BulkResult<v1::ClassifyResult> item;
  item.tag = expected;
  item.result.add_labels()->set_name(predicted);
  return item;
}

TEST(Accuracy, CountsTheLikeliestLabelAndFailuresAsWrong) {
  Accuracy accuracy("oos");
  accuracy.Add(Item("a", "a"));
  accuracy.Add(Item("a", "b"));
  accuracy.Add(Item("b", "b"));
  client::BulkResult<v1::ClassifyResult> failed = Item("b", "b");
  failed.status = absl::InvalidArgumentError("empty");
  accuracy.Add(failed);
  EXPECT_EQ(accuracy.Summary(), "accuracy 0.5000 (2 of 4 texts); 1 failed");
}

TEST(Accuracy, TheOutOfScopeRuleIsJudgedApart) {
  Accuracy accuracy("oos");
  client::BulkResult<v1::ClassifyResult> marked = Item("oos", "a");
  marked.result.mutable_out_of_scope()->set_out_of_scope(true);
  accuracy.Add(marked);
  marked.tag = "a";
  accuracy.Add(marked);
  accuracy.Add(Item("oos", "a"));
  accuracy.Add(Item("a", "a"));
  EXPECT_EQ(
      accuracy.Summary(),
      "accuracy 1.0000 (2 of 2 texts); marked out of scope: 0.5000 of these (1), 0.5000 of the "
      "texts without a label (1 of 2)");
}

TEST(Accuracy, NothingIsZero) {
  EXPECT_EQ(Accuracy("oos").Summary(), "accuracy 0.0000 (0 of 0 texts)");
}

}  // namespace
}  // namespace synth::synthctl
