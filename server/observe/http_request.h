#ifndef SYNTH_SERVER_OBSERVE_HTTP_REQUEST_H_
#define SYNTH_SERVER_OBSERVE_HTTP_REQUEST_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace synth::server {

// What is read of a request, at most: its first line and its headers. A body is never read.
constexpr std::size_t kMaxHttpRequestBytes = 4096;

struct HttpRequest {
  // 0: more bytes are needed. 200: the request is a GET or HEAD. Otherwise the status of the answer
  // that refuses it: 400, 405, 431 or 505.
  int status = 0;
  bool is_head = false;
  std::string_view path;  // without the query; within the bytes that were parsed
};

// Reads the beginning of a connection: everything received so far. Headers are skipped, because no
// answer depends on them.
HttpRequest ParseHttpRequest(std::string_view received);

// A whole response, after which the connection is closed. A HEAD gets `body`'s size without it.
std::string HttpResponse(int status, std::string_view content_type, std::string_view body,
                         bool is_head);

}  // namespace synth::server

#endif  // SYNTH_SERVER_OBSERVE_HTTP_REQUEST_H_
