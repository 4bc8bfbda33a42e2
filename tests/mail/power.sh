#!/bin/sh
# The power goes, and the disk fails, at every change and in every way: a campaign of ./dev soak.
# BMSG_CUTS says how many times by chance; BMSG_SEED repeats a run.
set -eu
: "${BMSG:?BMSG must name the program}"
tests="$(dirname "$BMSG")/tests"
export BMSG_CUTS="${BMSG_CUTS:-20000}"
[ ! -d /dev/shm ] || export TMPDIR=/dev/shm
"$tests/mail/mail_test" --gtest_filter='PowerCutFiles.*:FailingDisk.*'
"$tests/storage/storage_test" --gtest_filter='PowerCut.*'
