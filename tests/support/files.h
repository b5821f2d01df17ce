// Files that tests write. The tests of one program run at the same time, each in a process of its
// own, so a fixed name below /tmp would be shared.
#ifndef SYNTH_TESTS_SUPPORT_FILES_H_
#define SYNTH_TESTS_SUPPORT_FILES_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace synth {

// A new, empty folder that is removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// `name` in a folder that belongs to this process and is removed when it ends.
std::string ScratchFile(std::string_view name);

std::string ReadFile(const std::filesystem::path& path);
void WriteFile(const std::filesystem::path& path, std::string_view bytes);

}  // namespace synth

#endif  // SYNTH_TESTS_SUPPORT_FILES_H_
