#!/bin/sh
# Blocks in any order, peers that lie and deep forks, from many more seeds than in the push tier: a
# campaign of ./dev soak. BMSG_ORDER_ROUNDS, BMSG_ECLIPSE_SEEDS, BMSG_REORG_DEPTH and
# BMSG_CHEAP_BLOCKS say how many.
set -eu
: "${BMSG:?BMSG must name the program}"
export BMSG_ORDER_ROUNDS="${BMSG_ORDER_ROUNDS:-10000}" BMSG_REORG_DEPTH="${BMSG_REORG_DEPTH:-4110}"
export BMSG_ECLIPSE_SEEDS="${BMSG_ECLIPSE_SEEDS:-5000}" BMSG_CHEAP_BLOCKS="${BMSG_CHEAP_BLOCKS:-10000}"
exec "$(dirname "$BMSG")/tests/node/node_test" --gtest_filter='Order.*:Eclipse.*:Flood.*:Reorg.*'
