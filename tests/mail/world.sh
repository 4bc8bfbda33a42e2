#!/bin/sh
# The world of world_test.cc from many more seeds, and with more happening in each: a campaign of
# ./dev soak. BMSG_WORLD_SEEDS and BMSG_WORLD_EVENTS say how much.
set -eu
: "${BMSG:?BMSG must name the program}"
export BMSG_WORLD_SEEDS="${BMSG_WORLD_SEEDS:-1000}" BMSG_WORLD_EVENTS="${BMSG_WORLD_EVENTS:-1500}"
[ ! -d /dev/shm ] || export TMPDIR=/dev/shm
exec "$(dirname "$BMSG")/tests/mail/mail_test" --gtest_filter='World.*'
