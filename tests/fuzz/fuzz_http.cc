#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/observe/http_request.h"
#include "tests/fuzz/fuzz_check.h"

int FuzzHttp(const std::uint8_t* data, std::size_t size);

int FuzzHttp(const std::uint8_t* data, std::size_t size) {
  using synth::FuzzCheck;
  using synth::server::HttpRequest;
  using synth::server::ParseHttpRequest;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const HttpRequest whole = ParseHttpRequest(bytes);
  FuzzCheck(whole.status == 0 || whole.status == 200 || whole.status == 400 ||
            whole.status == 405 || whole.status == 431 || whole.status == 505);
  FuzzCheck(whole.status != 0 || size < synth::server::kMaxHttpRequestBytes);
  if (whole.status == 200) {
    for (const char c : whole.path) FuzzCheck(c > ' ' && c < 127 && c != '?' && c != '#');
  }
  // A decision is final: what comes later does not change it.
  for (const std::size_t part : {size / 4, size / 2, size - size / 4}) {
    const HttpRequest early = ParseHttpRequest(bytes.substr(0, part));
    FuzzCheck(early.status == 0 || (early.status == whole.status && early.path == whole.path &&
                                    early.is_head == whole.is_head));
  }
  return 0;
}
