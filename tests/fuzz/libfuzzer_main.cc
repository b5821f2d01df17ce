// libFuzzer's entry. SYNTH_FUZZ_FUNCTION is the target.

#include <cstddef>
#include <cstdint>

int SYNTH_FUZZ_FUNCTION(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return SYNTH_FUZZ_FUNCTION(data, size);
}
