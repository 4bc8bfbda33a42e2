// Requests that no server may answer with more than a refusal. Each is tried as text and on a
// socket.

#pragma once

#include <string>
#include <vector>

namespace bmsg::net {

using namespace std::string_literals;

struct BadRequest {
  const char* name;
  std::string bytes;
};

/// Put where a body or a second head might be taken for a request of its own.
inline const std::string kSmuggled = "GET /path/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// A head with one more line.
inline std::string with_line(const std::string& line) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n";
}
inline std::string with_target(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

inline const std::vector<BadRequest> kBadRequests = {
    // Where does the body end?
    {"length and chunked", with_line("Content-Length: " + std::to_string(kSmuggled.size()) +
                                     "\r\nTransfer-Encoding: chunked") +
                               "0\r\n\r\n" + kSmuggled},
    {"chunked and length", with_line("Transfer-Encoding: chunked\r\nContent-Length: " +
                                     std::to_string(kSmuggled.size())) +
                               "0\r\n\r\n" + kSmuggled},
    {"gzip then length", with_line("Transfer-Encoding: gzip\r\nContent-Length: 0") + kSmuggled},
    {"gzip alone", with_line("Transfer-Encoding: gzip") + kSmuggled},
    {"identity", with_line("Transfer-Encoding: identity") + kSmuggled},
    {"chunked alone", with_line("Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n"},
    {"chunked in capitals", with_line("TRANSFER-ENCODING: CHUNKED") + "0\r\n\r\n" + kSmuggled},
    {"chunked twice", with_line("Transfer-Encoding: chunked, chunked") + "0\r\n\r\n" + kSmuggled},
    {"chunked with a tab", with_line("Transfer-Encoding:\tchunked") + "0\r\n\r\n" + kSmuggled},
    {"chunked, not quite", with_line("Transfer-Encoding: xchunked") + "0\r\n\r\n" + kSmuggled},
    {"chunked with trailers",
     with_line("Transfer-Encoding: chunked\r\nTrailer: X") + "0\r\nX: 1\r\n\r\n" + kSmuggled},
    {"a long chunk extension", with_line("Transfer-Encoding: chunked") + "3;" +
                                   std::string(1 << 20, 'x') + "\r\nabc\r\n0\r\n\r\n"},
    {"empty coding", with_line("Transfer-Encoding:") + kSmuggled},
    {"two lengths that differ",
     with_line("Content-Length: 0\r\nContent-Length: " + std::to_string(kSmuggled.size())) +
         kSmuggled},
    {"two lengths that agree", with_line("Content-Length: 0\r\nContent-Length: 0") + kSmuggled},
    {"a list of lengths", with_line("Content-Length: 0, 0") + kSmuggled},
    {"length with plus", with_line("Content-Length: +0") + kSmuggled},
    {"length below zero", with_line("Content-Length: -1") + kSmuggled},
    {"length in hexadecimal", with_line("Content-Length: 0x0") + kSmuggled},
    {"length with a letter", with_line("Content-Length: 0a") + kSmuggled},
    {"length with a space inside", with_line("Content-Length: 0 0") + kSmuggled},
    {"length with a point", with_line("Content-Length: 0.0") + kSmuggled},
    {"empty length", with_line("Content-Length:") + kSmuggled},
    {"length that overflows", with_line("Content-Length: 18446744073709551616") + kSmuggled},
    {"length far too long", with_line("Content-Length: " + std::string(30, '0')) + kSmuggled},
    {"length of 2 GB", with_line("Content-Length: 2147483648") + kSmuggled},
    // Where does a line end, and what is its name?
    {"space before colon", with_line("Content-Length : 0") + kSmuggled},
    {"tab before colon", with_line("Content-Length\t: 0") + kSmuggled},
    {"folded line", with_line("X: a\r\n b") + kSmuggled},
    {"line folded by a tab", with_line("X: a\r\n\tContent-Length: 5") + kSmuggled},
    {"first field folded", "GET /path HTTP/1.1\r\n Host: a\r\n\r\n" + kSmuggled},
    {"line without colon", with_line("nothing") + kSmuggled},
    {"line without name", with_line(": 0") + kSmuggled},
    {"name in quotes", with_line("\"X\": 0") + kSmuggled},
    {"name with bracket", with_line("X(y): 0") + kSmuggled},
    {"bare LF after request line", "GET /path HTTP/1.1\nHost: a\r\n\r\n" + kSmuggled},
    {"bare LF after a field", "GET /path HTTP/1.1\r\nHost: a\n\r\n" + kSmuggled},
    {"only bare LF", "GET /path HTTP/1.1\nHost: a\n\n" + kSmuggled},
    {"bare CR in a value", with_line("X: a\rb") + kSmuggled},
    {"CR CR LF", "GET /path HTTP/1.1\r\r\nHost: a\r\n\r\n" + kSmuggled},
    {"zero byte in a value", with_line("X: a\0b"s) + kSmuggled},
    {"zero byte in a name", with_line("X\0y: a"s) + kSmuggled},
    {"zero byte in the target", "GET /pa\0th HTTP/1.1\r\nHost: a\r\n\r\n"s + kSmuggled},
    {"escape character", with_line("X: \x1b[2J") + kSmuggled},
    {"byte above ASCII", with_line("X: \xc3\xa4") + kSmuggled},
    {"empty line first", "\r\nGET /path HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    // Which host?
    {"no host", "GET /path HTTP/1.1\r\nX: a\r\n\r\n" + kSmuggled},
    {"no field at all", "GET /path HTTP/1.1\r\n\r\n" + kSmuggled},
    {"two hosts", with_line("Host: b") + kSmuggled},
    {"the same host twice", with_line("Host: a") + kSmuggled},
    {"empty host", "GET /path HTTP/1.1\r\nHost:\r\n\r\n" + kSmuggled},
    {"host with a space", "GET /path HTTP/1.1\r\nHost: a b\r\n\r\n" + kSmuggled},
    {"host with a path", "GET /path HTTP/1.1\r\nHost: a/b\r\n\r\n" + kSmuggled},
    {"host with a user", "GET /path HTTP/1.1\r\nHost: u@a\r\n\r\n" + kSmuggled},
    {"no host in 1.0", "GET /path HTTP/1.0\r\n\r\n" + kSmuggled},
    // What is the target?
    {"absolute form", with_target("http://a/path") + kSmuggled},
    {"authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"no slash", with_target("path") + kSmuggled},
    {"fragment", with_target("/path#x") + kSmuggled},
    {"space in the target", with_target("/path x") + kSmuggled},
    {"parent", with_target("/path/../echo") + kSmuggled},
    {"encoded parent", with_target("/path/%2e%2e/echo") + kSmuggled},
    {"half encoded parent", with_target("/path/.%2E/echo") + kSmuggled},
    {"parent at the end", with_target("/path/..") + kSmuggled},
    {"this directory", with_target("/./path") + kSmuggled},
    {"two slashes", with_target("//path") + kSmuggled},
    {"backslash", with_target("/path\\..\\echo") + kSmuggled},
    {"encoded backslash", with_target("/path%5cecho") + kSmuggled},
    {"encoded slash", with_target("/path%2fecho") + kSmuggled},
    {"encoded zero", with_target("/path%00") + kSmuggled},
    {"encoded line break", with_target("/path%0d%0aX:%20y") + kSmuggled},
    {"encoded delete", with_target("/path%7f") + kSmuggled},
    {"overlong UTF-8", with_target("/path%c0%af") + kSmuggled},
    {"surrogate", with_target("/path%ed%a0%80") + kSmuggled},
    {"half a character", with_target("/path%c3") + kSmuggled},
    {"C1 control", with_target("/path%c2%9b") + kSmuggled},
    {"bad escape", with_target("/path%zz") + kSmuggled},
    {"cut escape", with_target("/path%2") + kSmuggled},
    {"10 KB path", with_target("/" + std::string(10'000, 'p')) + kSmuggled},
    {"same name twice in the query", with_target("/path?a=1&a=2") + kSmuggled},
    {"nameless part of the query", with_target("/path?=1") + kSmuggled},
    // Which version, which method?
    {"version 0.9", "GET /path\r\n\r\n" + kSmuggled},
    {"version 1.2", "GET /path HTTP/1.2\r\nHost: a\r\n\r\n" + kSmuggled},
    {"version 2.0", "GET /path HTTP/2.0\r\nHost: a\r\n\r\n" + kSmuggled},
    {"version in small letters", "GET /path http/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"two spaces", "GET  /path HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"tab for space", "GET\t/path HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"space before the method", " GET /path HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"space after the version", "GET /path HTTP/1.1 \r\nHost: a\r\n\r\n" + kSmuggled},
    {"unknown method", "BREW /path HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"method in small letters", "get /path HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"method with odd letters", "GE(T /path HTTP/1.1\r\nHost: a\r\n\r\n" + kSmuggled},
    {"TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s},
    // How much of it?
    {"65 fields",
     [] {
       std::string lines = "X: y";
       for (int i = 0; i < 64; ++i) lines += "\r\nX: y";
       return with_line(lines) + kSmuggled;
     }()},
    {"10 MB line", "GET /path HTTP/1.1\r\nHost: a\r\nX: " + std::string(10 << 20, 'x')},
    {"endless first line", std::string(100'000, 'G')},
};

}  // namespace bmsg::net
