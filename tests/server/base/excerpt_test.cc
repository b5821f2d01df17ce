#include "server/base/excerpt.h"

#include <gtest/gtest.h>

namespace synth {
namespace {

TEST(ExcerptTest, ShortTextsAreWhole) { EXPECT_EQ(Excerpt("abc", 3), "abc"); }

TEST(ExcerptTest, LongOnesEndAtACharacterAndSayTheirSize) {
  EXPECT_EQ(Excerpt("abcd", 3), "abc... (4 bytes)");
  EXPECT_EQ(Excerpt("a\u00e4b", 2), "a... (4 bytes)");
}

}  // namespace
}  // namespace synth
