#ifndef SYNTH_MODEL_CHECKPOINT_DIGEST_H_
#define SYNTH_MODEL_CHECKPOINT_DIGEST_H_

#include <span>
#include <string>
#include <string_view>

namespace synth {

struct NamedBytes {
  std::string_view name;
  std::string_view bytes;
};

// SHA-256 in lower-case hex.
std::string Sha256Hex(std::string_view bytes);

// What `sha256sum NAME... | sha256sum` prints for these files, in this order (docs/checkpoint.md).
std::string Digest(std::span<const NamedBytes> files);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_DIGEST_H_
