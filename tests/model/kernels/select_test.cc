#include "model/kernels/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "model/kernels/kernels.h"
#include "synth/model.h"
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
  ASSERT_FALSE(SupportedKernels().empty());
  EXPECT_EQ(*SelectKernels(), SupportedKernels().front());
  setenv("SYNTH_ISA", "", 1);
  EXPECT_EQ(*SelectKernels(), SupportedKernels().front());
}

TEST_F(SelectTest, TheEnvironmentDecides) {
  for (const Kernels* kernels : SupportedKernels()) {
    setenv("SYNTH_ISA", kernels->name, 1);
    EXPECT_EQ(*SelectKernels(), kernels);
  }
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

}  // namespace
}  // namespace synth
