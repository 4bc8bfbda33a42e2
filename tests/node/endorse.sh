#!/bin/sh
# The endorsers of endorse_sim_test.cc from many more seeds: a campaign of ./dev soak.
# BMSG_ENDORSE_SEEDS says how many.
set -eu
: "${BMSG:?BMSG must name the program}"
export BMSG_ENDORSE_SEEDS="${BMSG_ENDORSE_SEEDS:-1000}"
exec "$(dirname "$BMSG")/tests/node/node_test" --gtest_also_run_disabled_tests \
  --gtest_filter='EndorseSim.*:Proposals.*'
