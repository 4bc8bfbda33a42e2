#!/bin/sh
# The demonstration ends well in a fresh directory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
"$here/demo.sh" "$work/demo" >output 2>&1 || fail "$(tail -n 30 output)"
for store in ana ana.before ben; do
  [ -d "demo/$store" ] || fail "the demonstration left no $store"
done
