#include "server/observe/http_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synth::server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(HttpRequestTest, AGetOrHeadIsReadWithoutItsQuery) {
  const HttpRequest get = ParseHttpRequest("GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(get.status, 200);
  EXPECT_EQ(get.path, "/metrics");
  EXPECT_FALSE(get.is_head);
  const HttpRequest head = ParseHttpRequest("HEAD http://host:1/healthz HTTP/1.0\n\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.path, "/healthz");
  EXPECT_TRUE(head.is_head);
}

TEST(HttpRequestTest, APrefixOfARequestNeedsMoreBytes) {
  const std::string whole = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(ParseHttpRequest(whole.substr(0, size)).status, 0) << size;
  EXPECT_EQ(ParseHttpRequest(whole).status, 200);
  EXPECT_EQ(ParseHttpRequest(whole + "a body").status, 200);
}

TEST(HttpRequestTest, WhatIsNoRequestIsRefusedAtTheFirstLine) {
  for (const char* wrong : {"\r\n", "GET\r\n", "GET /\r\n", "GET  HTTP/1.1\r\n",
                            "get / HTTP/1.1\r\n", "GET / x HTTP/1.1\r\n", "GET /\x01 HTTP/1.1\r\n",
                            "GET /\xff HTTP/1.1\r\n", "GET / FTP/1.1\r\n", "\x16\x03\x01\x02\n"})
    EXPECT_EQ(ParseHttpRequest(wrong).status, 400) << wrong;
  EXPECT_EQ(ParseHttpRequest("PRI * HTTP/2.0\r\n").status, 505);
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "M-SEARCH"})
    EXPECT_EQ(ParseHttpRequest(std::string(method) + " / HTTP/1.1\r\n").status, 405) << method;
}

TEST(HttpRequestTest, ARequestHasABound) {
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string endless(kMaxHttpRequestBytes, 'a');
  EXPECT_EQ(ParseHttpRequest(endless).status, 431) << "a request line";
  EXPECT_EQ(ParseHttpRequest(line + endless).status, 431) << "a header";
  const std::string filler(kMaxHttpRequestBytes - line.size() - 5, 'a');
  EXPECT_EQ(ParseHttpRequest(line + "X:" + filler + "\r\n\r\n").status, 431) << "one byte too long";
  EXPECT_EQ(ParseHttpRequest(line + "X:" + filler.substr(1) + "\r\n\r\n").status, 200);
}

TEST(HttpRequestTest, AResponseSaysWhatFollows) {
  const std::string get = HttpResponse(200, "text/plain", "hello", false);
  EXPECT_THAT(get, HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(get, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(get, EndsWith("\r\n\r\nhello"));
  EXPECT_THAT(get, Not(HasSubstr("Allow")));
  const std::string head = HttpResponse(200, "text/plain", "hello", true);
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_THAT(HttpResponse(405, "text/plain", "", false), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
}

}  // namespace
}  // namespace synth::server
