#include "server/base/line_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

namespace synth {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

class LineWriterTest : public testing::Test {
 protected:
  LineWriterTest() {
    EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(ends_[1], F_SETPIPE_SZ, 4096), 4096);
  }
  ~LineWriterTest() override {
    CloseReader();
    close(ends_[1]);
  }

  void CloseReader() {
    if (ends_[0] >= 0) close(std::exchange(ends_[0], -1));
  }

  // The next line that arrives, without its newline.
  std::string ReadLine() {
    std::string line;
    for (char c = 0; read(ends_[0], &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  std::unique_ptr<LineWriter> Make(std::size_t max_bytes) {
    auto notice = [](std::int64_t count) { return std::to_string(count) + " dropped\n"; };
    return std::make_unique<LineWriter>(ends_[1], notice, max_bytes);
  }

  std::array<int, 2> ends_{};
};

TEST_F(LineWriterTest, WritesInOrder) {
  const auto writer = Make(1000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(writer->Write(std::to_string(i) + "\n"));
  EXPECT_TRUE(writer->Flush(minutes(1)));
  EXPECT_TRUE(writer->is_idle());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReadLine(), std::to_string(i));
  EXPECT_EQ(writer->dropped(), 0);
}

TEST_F(LineWriterTest, DropsWhatFindsItFullAndTellsWhere) {
  const auto writer = Make(1000);
  const std::string line(99, 'x');
  int taken = 0;
  std::int64_t refused = 0;
  do {  // until the pipe is full, too
    while (writer->Write(line + "\n")) ++taken;
    ++refused;
  } while (writer->Flush(milliseconds(10)));
  EXPECT_EQ(writer->dropped(), refused);
  EXPECT_FALSE(writer->is_idle());
  for (int i = 0; i < taken;) {
    const std::string read = ReadLine();
    if (read.ends_with(" dropped")) {
      refused -= std::stoll(read);
    } else {
      EXPECT_EQ(read, line);
      ++i;
    }
  }
  if (refused > 0) {
    EXPECT_EQ(ReadLine(), std::to_string(refused) + " dropped");
  }
  EXPECT_TRUE(writer->Write("after\n"));
  EXPECT_EQ(ReadLine(), "after");
}

TEST_F(LineWriterTest, EndsWhileTheReaderHoldsUpTheThread) {
  auto writer = Make(1000);
  while (writer->Write(std::string(100, 'x'))) {
  }
  writer.reset();  // returns
  CloseReader();   // and the thread ends
}

TEST_F(LineWriterTest, AReaderThatIsGoneIsCountedNotFatal) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto writer = Make(1000);
  CloseReader();
  EXPECT_TRUE(writer->Write("nobody gets this\n"));
  EXPECT_TRUE(writer->Flush(minutes(1)));
  EXPECT_EQ(writer->dropped(), 1);
}

TEST_F(LineWriterTest, ALineLargerThanAPipeArrivesWhole) {
  const auto writer = Make(100'000);
  const std::string line(50'000, 'y');
  EXPECT_TRUE(writer->Write(line + "\n"));
  EXPECT_EQ(ReadLine(), line);
}

}  // namespace
}  // namespace synth
