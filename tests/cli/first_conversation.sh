#!/bin/sh
# The eight commands of README.md, taken from there, by somebody without a terminal: each prints
# what the manual says on standard output and nothing on standard error.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

readme=$here/../../README.md
sed -n '/^## The first conversation/,/^## Commands/s/^\$ //p' "$readme" >commands
[ "$(wc -l <commands)" -eq 8 ] || fail "README.md shows $(wc -l <commands) commands, not 8"

# run N: the N-th command. Off a terminal init is told that there is no passphrase, and the port is
# one that is free.
run() {
  line=$(sed -n "${1}p" commands |
    sed "s/ init / init --no-passphrase /; s|http://127.0.0.1:5512|${url:-}|")
  status=0
  out=$(eval "$line" 2>"$work/err") || status=$?
  [ "$status" -eq 0 ] || fail "'$line' exited $status: $(cat "$work/err")"
  [ ! -s "$work/err" ] || fail "'$line' complained: $(cat "$work/err")"
}

lines() { printf '%s\n' "$out" | wc -l; }

run 1
[ "$(lines)" -eq 3 ] || fail "init printed $(lines) lines: $out"
printf '%s\n' "$out" | grep -Eq "^[a-z]+ $hex128\$" || fail "init named no chain: $out"
printf '%s\n' "$out" | grep -Eq '^address bmsg1[0-9a-z]{58}$' || fail "init named no address: $out"

matches "$(sed -n 2p commands)" '.* serve &' 'the second command'
start ana
matches "$url" 'http://127\.0\.0\.1:[0-9]+' 'where serve listens'

run 3
[ "$(lines)" -eq 3 ] || fail "init --genesis printed: $out"
run 4
matches "$out" 'ana' 'contact add'
run 5
matches "$out" "$hex128" 'send --now'
id=$out
run 6
[ "$(lines)" -eq 1 ] || fail "inbox printed: $out"
printf '%s\n' "$out" | grep -q "$(printf '\t')" || fail "inbox is not separated by TAB: $out"
run 7
printf '%s\n' "$out" | grep -q '^  Lunch at noon?$' || fail "read printed: $out"
printf '%s\n' "$out" | grep -q 'calls itself ben' || fail "read does not say who writes: $out"
run 8
matches "$out" 'OK 1 blocks?, [0-9]+ messages, tip 1:[0-9a-f]{8}, work .*' 'verify'

exits 0 bmsg -C ana rev-parse @
matches "$out" "$id" 'the message that was read'
stop "$server"
exits 0 bmsg -C ana verify --full
exits 0 bmsg -C ben verify --full
