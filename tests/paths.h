#ifndef SYNTH_TESTS_PATHS_H_
#define SYNTH_TESTS_PATHS_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace synth::paths {

// Absolute paths of this checkout and of this build. Only paths.cc is compiled with them, so that a
// compiler cache finds every other file in whichever folder it was compiled before. All may be
// called from any thread, and while static variables are initialised.

// A file or folder of the sources, for example SourcePath("models/intent-clinc150").
std::filesystem::path SourcePath(std::string_view relative);

// The programs under test. Empty in a build without the server.
std::string SynthserveBinary();
std::string SynthctlBinary();

}  // namespace synth::paths

#endif  // SYNTH_TESTS_PATHS_H_
