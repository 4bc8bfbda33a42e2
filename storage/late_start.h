// RocksDB's start, put off until somebody wants a database.

#pragma once

namespace bmsg::storage {

/// Runs RocksDB's initialisers, which the release build takes out of the program's start: they
/// cost every command, `help` too, two milliseconds. To be called before anything of RocksDB is;
/// quiet_env() does.
///
/// Threads: any number.
void start_rocksdb();

}  // namespace bmsg::storage
