// The checksum of RocksDB's logs, by the processor's own instruction where it has one.

#pragma once

#include <cstddef>
#include <cstdint>

namespace bmsg::storage {

/// CRC-32C of what `before` is the CRC-32C of (0: nothing) and these bytes behind it. The linker
/// puts it in the place of RocksDB's own, which distributions build for processors without the
/// instruction: half of what a log costs then.
/// Threads: any number.
/// Source:  RFC 3720, appendix B.4; what RocksDB writes says the same either way.
std::uint32_t log_checksum(std::uint32_t before, const char* bytes,
                           std::size_t size) __asm__("__wrap__ZN7rocksdb6crc32c6ExtendEjPKcm");

/// The same as RocksDB has it.
std::uint32_t plain_log_checksum(std::uint32_t before, const char* bytes, std::size_t size) __asm__(
    "__real__ZN7rocksdb6crc32c6ExtendEjPKcm");

/// From now on the faster of the two is taken. RocksDB must have been started.
void choose_log_checksum();

}  // namespace bmsg::storage
