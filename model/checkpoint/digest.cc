#include "model/checkpoint/digest.h"

#include <openssl/sha.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "model/strings.h"

namespace synth {

std::string Sha256Hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash = {};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash.data());
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::string Digest(std::span<const NamedBytes> files) {
  std::string lines;
  for (const NamedBytes& file : files) {
    lines += Cat(Sha256Hex(file.bytes), "  ", file.name, "\n");
  }
  return Sha256Hex(lines);
}

}  // namespace synth
