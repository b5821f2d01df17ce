#ifndef SYNTH_MODEL_CHECKPOINT_DIGEST_H_
#define SYNTH_MODEL_CHECKPOINT_DIGEST_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace synth {

// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view piece);
  // Of all pieces, in lower-case hex. Only once.
  std::string Finish();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// SHA-256 in lower-case hex.
std::string Sha256Hex(std::string_view bytes);

struct FileHash {
  std::string name;
  std::string sha256;  // in lower-case hex
};

// What `sha256sum NAME... | sha256sum` prints for these files, in this order (docs/checkpoint.md).
std::string Digest(std::span<const FileHash> files);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_DIGEST_H_
