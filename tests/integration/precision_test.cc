// A precision reaches the kernels and is reported; one that the machine cannot compute is refused.
#include "synth/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "model/kernels/select.h"
#include "tests/integration/process.h"
#include "tests/integration/running_server.h"
#include "tests/paths.h"

namespace synth::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PrecisionTest : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    const absl::StatusOr<Kernels> kernels = SelectKernels(GetParam());
    if (!kernels.ok()) GTEST_SKIP() << kernels.status().message();
    instruction_set_ = kernels->isa.name;
    Options options = TestOptions();
    options.precision = GetParam();
    running_.emplace(options);
  }

  v1::GetModelResponse GetModel() {
    v1::GetModelResponse response;
    grpc::ClientContext context;
    const grpc::Status status = running_->stub().GetModel(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  v1::ClassifyResponse Classify(const v1::ClassifyRequest& request) {
    v1::ClassifyResponse response;
    grpc::ClientContext context;
    const grpc::Status status = running_->stub().Classify(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  std::string instruction_set_;
  std::optional<RunningServer> running_;
};

TEST_P(PrecisionTest, IsServedAndReported) {
  const std::string precision(ToString(GetParam()));
  const v1::GetModelResponse model = GetModel();
  EXPECT_EQ(model.precision(), precision);
  EXPECT_EQ(model.instruction_set(), instruction_set_);
  EXPECT_EQ(running_->Metric("synth_model_info{digest=\"" + model.model().digest() +
                             "\",instruction_set=\"" + instruction_set_ +
                             "\",model=\"intent\",precision=\"" + precision + "\"}"),
            1);
  for (const auto& [text, label] : {std::pair{"what is my checking account balance", "balance"},
                                    std::pair{"how would you say fly in italian", "translate"},
                                    std::pair{"set an alarm for seven in the morning", "alarm"}}) {
    EXPECT_EQ(running_->ClassifyOne(text), label);
  }
}

TEST_P(PrecisionTest, AResultDoesNotDependOnTheBatch) {
  v1::ClassifyRequest alone;
  alone.add_texts("transfer fifty dollars to savings");
  alone.set_top_k(3);
  v1::ClassifyRequest crowd = LongRequest(1);
  crowd.add_texts(alone.texts(0));
  crowd.set_top_k(3);
  EXPECT_EQ(Classify(crowd).results(1).SerializeAsString(),
            Classify(alone).results(0).SerializeAsString());
}

// The first requests, short or long, pay for no attention.
TEST_P(PrecisionTest, AttentionIsComputedBeforeItServes) {
  const std::string series = R"(synth_model_bytes{model="intent",part="attention"})";
  const double at_start = running_->Metric(series);
  EXPECT_GT(at_start, 0);
  running_->ClassifyOne("balance");
  running_->ClassifyOne(LongRequest(1).texts(0));
  EXPECT_EQ(running_->Metric(series), at_start);
  EXPECT_EQ(static_cast<double>(GetModel().memory().attention_bytes()), at_start);
}

TEST(PrecisionOfAModelTest, StandsBesideThatOfTheServer) {
  if (const auto kernels = SelectKernels(Precision::kInt8); !kernels.ok()) {
    GTEST_SKIP() << kernels.status().message();
  }
  Options options = TestOptions();
  options.models.push_back(options.models.front());
  options.models.back().name = "small";
  options.models.back().precision = Precision::kInt8;
  RunningServer running(options);
  for (const auto& [name, precision] : {std::pair{"intent", "f32"}, std::pair{"small", "int8"}}) {
    v1::GetModelRequest request;
    request.set_model(name);
    v1::GetModelResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(running.stub().GetModel(&context, request, &response).ok());
    EXPECT_EQ(response.precision(), precision);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PrecisionTest,
                         testing::Values(Precision::kF32, Precision::kBf16, Precision::kInt8),
                         [](const auto& instance) {
                           return std::string(ToString(instance.param));
                         });

TEST(PrecisionRefusalTest, StartNamesTheMissingInstructionsAndEndsWithOne) {
  // The least instruction set that this machine has: it has nothing for bf16.
  const std::string isa = SupportedIsas().back()->name;
  const std::string model = paths::SourcePath("models/intent-clinc150");
  Process process({paths::SynthserveBinary(), "--model", model, "--precision", "bf16", "--listen",
                   "127.0.0.1:0", "--metrics-listen", ""},
                  {"SYNTH_ISA=" + isa});
  EXPECT_THAT(process.ReadLineWith("start_failed"),
              AllOf(HasSubstr("model 'intent-clinc150'"), HasSubstr("bf16 needs AVX512_BF16"),
                    HasSubstr(isa)));
  EXPECT_EQ(process.Wait(), 1);
}

}  // namespace
}  // namespace synth::server
