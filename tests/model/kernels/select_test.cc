#include "model/kernels/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "model/kernels/kernels.h"
#include "synth/model.h"
#include "synth/precision.h"
#include "tests/model/kernel_variants.h"
#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using testing::HasSubstr;

class SelectTest : public testing::Test {
 protected:
  void TearDown() override { unsetenv("SYNTH_ISA"); }
};

TEST_F(SelectTest, TakesTheBest) {
  unsetenv("SYNTH_ISA");
  ASSERT_FALSE(SupportedIsas().empty());
  EXPECT_EQ(&SelectKernels(Precision::kF32)->isa, SupportedIsas().front());
  setenv("SYNTH_ISA", "", 1);
  EXPECT_EQ(&SelectKernels(Precision::kF32)->isa, SupportedIsas().front());
}

TEST_F(SelectTest, TheEnvironmentDecides) {
  for (const IsaKernels* isa : SupportedIsas()) {
    setenv("SYNTH_ISA", isa->name, 1);
    const auto kernels = SelectKernels(Precision::kF32);
    EXPECT_EQ(&kernels->isa, isa);
    EXPECT_EQ(&kernels->linear, &isa->f32);
    EXPECT_EQ(&kernels->attention, &isa->f32);
  }
}

TEST_F(SelectTest, APrecisionComesWithItsInstructionsOrNotAtAll) {
  for (const IsaKernels* isa : SupportedIsas()) {
    setenv("SYNTH_ISA", isa->name, 1);
    const std::vector<Precision> supported = SupportedPrecisions(*isa);
    EXPECT_EQ(supported.front(), Precision::kF32);
    for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
      const auto kernels = SelectKernels(precision);
      if (std::find(supported.begin(), supported.end(), precision) != supported.end()) {
        ASSERT_TRUE(kernels.ok()) << kernels.status();
        EXPECT_EQ(kernels->linear.precision, ToString(precision));
      } else {
        EXPECT_TRUE(absl::IsFailedPrecondition(kernels.status()));
        EXPECT_THAT(std::string(kernels.status().message()),
                    testing::AllOf(HasSubstr("needs AVX512_"), HasSubstr(isa->name)));
      }
    }
  }
}

TEST_F(SelectTest, V3HasNoPrecisionBelowF32) {
  setenv("SYNTH_ISA", "v3", 1);
  if (!SelectKernels(Precision::kF32).ok()) return;  // a machine without AVX2
  EXPECT_TRUE(absl::IsFailedPrecondition(SelectKernels(Precision::kBf16).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(SelectKernels(Precision::kInt8).status()));
  EXPECT_EQ(*ParsePrecision("auto"), Precision::kF32);
}

TEST_F(SelectTest, PrecisionsHaveNames) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    EXPECT_EQ(*ParsePrecision(ToString(precision)), precision);
  }
  EXPECT_TRUE(SelectKernels(*ParsePrecision("auto")).ok());
  const auto unknown = ParsePrecision("fp8").status();
  EXPECT_TRUE(absl::IsInvalidArgument(unknown));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("found \"fp8\""));
}

TEST_F(SelectTest, AnUnknownNameFailsTheLoad) {
  const TempFolder folder;
  const auto config = TinyConfig({{"type", "dense"}});
  WriteCheckpoint(folder.path(), config, RandomTensors(config, 1));
  setenv("SYNTH_ISA", "v9", 1);
  const auto model = Model::Load(folder.path());
  EXPECT_TRUE(absl::IsInvalidArgument(model.status()));
  EXPECT_THAT(std::string(model.status().message()),
              testing::AllOf(HasSubstr("SYNTH_ISA"), HasSubstr("found \"v9\"")));
}

// The other tests go over the variants that the machine has; here those that it lacks show.
class VariantTest : public testing::TestWithParam<KernelVariant> {};

TEST_P(VariantTest, IsTestedHere) {
  const std::string name = GetParam().name();
  for (const KernelVariant& variant : KernelVariants()) {
    if (variant.name() == name) return;
  }
  GTEST_SKIP() << "this machine lacks the instructions of " << name
               << ": no test of this run has computed with it";
}

INSTANTIATE_TEST_SUITE_P(Built, VariantTest, testing::ValuesIn(BuiltKernelVariants()),
                         [](const auto& param) { return param.param.name(); });

TEST(VariantsTest, NoneIsLeftOutOfWhatWasBuilt) {
  std::vector<std::string> built;
  for (const KernelVariant& variant : BuiltKernelVariants()) built.push_back(variant.name());
  for (const KernelVariant& variant : KernelVariants()) {
    EXPECT_THAT(built, testing::Contains(variant.name()));
  }
}

}  // namespace
}  // namespace synth
