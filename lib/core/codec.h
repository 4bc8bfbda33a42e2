// Bytes of headers, messages and blocks. One encoding for each value; every other is refused.

#pragma once

#include <array>

#include "lib/core/block.h"
#include "lib/core/byte_reader.h"
#include "lib/core/bytes.h"
#include "lib/core/result.h"

namespace bmsg {

// Each decode takes the whole of `bytes` or fails with Errc::bad_input, naming the field. For
// every value that decodes, encoding it gives the same bytes back.
// Source: bmsg-format(5).

Bytes encode(const Header& header);
/// The same, for those who hash it and throw it away.
std::array<std::uint8_t, kHeaderBytes> header_bytes(const Header& header);
Result<Header> decode_header(ByteView bytes);

/// Shape: header, then seal: count 1, then count times index 1 and signature 64, ascending.
Bytes encode(const SealedHeader& sealed);
Result<SealedHeader> decode_sealed_header(ByteView bytes);

Bytes encode(const MessageHead& head);
Result<MessageHead> decode_head(ByteView bytes);

/// Shape: head, nonce 8, body. The body must be present.
Bytes encode(const Message& message);
Result<Message> decode_message(ByteView bytes);

/// Shape: sealed header, then for each message head, nonce 8, a flag 1, and the body if the flag
///        is 1. A charter always has its body.
Bytes encode(const Block& block);
Result<Block> decode_block(ByteView bytes);

/// Whether a head of this suite may have a key section of so many bytes: slots exactly for the
/// sealed suites, none for public messages, chunks and charters, any for a suite of the future.
bool key_section_fits(Suite suite, std::size_t bytes);

// Parts of a larger encoding: appended to `out`, or read off the front of `reader`.
void append_head(Bytes& out, const MessageHead& head);
Result<MessageHead> read_head(ByteReader& reader);
void append_seal(Bytes& out, const Seal& seal);
Result<Seal> read_seal(ByteReader& reader);
Result<SealedHeader> read_sealed_header(ByteReader& reader);

}  // namespace bmsg
