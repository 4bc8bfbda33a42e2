#!/bin/sh
# The swarm of swarm_test.cc from many more seeds, and with more happening in each: a campaign of
# ./dev soak. BMSG_SWARM_SEEDS and BMSG_SWARM_EVENTS say how much.
set -eu
: "${BMSG:?BMSG must name the program}"
export BMSG_SWARM_SEEDS="${BMSG_SWARM_SEEDS:-2000}" BMSG_SWARM_EVENTS="${BMSG_SWARM_EVENTS:-2000}"
exec "$(dirname "$BMSG")/tests/node/node_test" --gtest_filter='Swarm.*'
