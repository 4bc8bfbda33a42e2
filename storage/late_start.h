// RocksDB's start, put off until somebody wants a database.

#pragma once

namespace bmsg::storage {

/// Runs RocksDB's initialisers, which the release build takes out of the program's start: they
/// cost every command, `help` too, two milliseconds. To be called before anything of RocksDB is;
/// quiet_env() does.
///
/// Threads: any number.
void start_rocksdb();

/// The same, and those of the tables that nobody who only reads looks into: options by their names,
/// names of counters, work that is handed to other machines. They are two fifths of all.
void start_rocksdb_writing();

}  // namespace bmsg::storage
