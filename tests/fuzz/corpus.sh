#!/bin/sh
# Adds to tests/corpus what our writers write now. What was written before stays as it is: it is to be
# taken or refused by name for ever.
set -eu
cd "$(dirname "$0")/../.."
cmake --build build --target write_seeds >&2
build/tests/fuzz/write_seeds tests/corpus
git status --short tests/corpus
