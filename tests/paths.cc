#include "tests/paths.h"

namespace synth::paths {

std::filesystem::path SourcePath(std::string_view relative) {
  return std::filesystem::path(SYNTH_SOURCE_DIR) / relative;
}

std::string SynthserveBinary() { return SYNTHSERVE_BINARY; }

std::string SynthctlBinary() { return SYNTHCTL_BINARY; }

}  // namespace synth::paths
