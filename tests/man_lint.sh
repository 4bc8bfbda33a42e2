#!/bin/sh
# Every manual page is sound: mandoc has nothing to say.
set -eu
cd "$(dirname "$0")/.."
if ! command -v mandoc >/dev/null; then
  echo 'skip: mandoc is not installed'
  exit 77
fi
complaints=$(mandoc -T lint -W warning man/*.[157] 2>&1) || true
printf '%s\n' "$complaints"
[ -z "$complaints" ]
