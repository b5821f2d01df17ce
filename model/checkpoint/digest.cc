#include "model/checkpoint/digest.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "model/strings.h"

namespace synth {

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

// OpenSSL's calls fail only for want of memory.
Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}
Sha256::~Sha256() = default;

void Sha256::Add(std::string_view piece) {
  if (EVP_DigestUpdate(state_->context.get(), piece.data(), piece.size()) != 1) {
    throw std::bad_alloc();
  }
}

std::string Sha256::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash = {};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(state_->context.get(), hash.data(), &size) != 1) throw std::bad_alloc();
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash.data()), size});
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256 hash;
  hash.Add(bytes);
  return hash.Finish();
}

std::string Digest(std::span<const FileHash> files) {
  std::string lines;
  for (const FileHash& file : files) lines += Cat(file.sha256, "  ", file.name, "\n");
  return Sha256Hex(lines);
}

}  // namespace synth
