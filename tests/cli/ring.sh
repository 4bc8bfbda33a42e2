#!/bin/sh
# Three stores in a ring, cut and mined on both sides, agree after at most three rounds of sync, and
# no message that was sent on either side is lost.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

stores='a b c'
bmsg init a --name a --floor 8 --stamp 1 --no-passphrase >out
start a
bmsg init b --name b --genesis "$url" --no-passphrase >>out
bmsg init c --name c --genesis "$url" --no-passphrase >>out
stop "$server"

# serve_ring: every store asks the next one. Ports are new each time, so old peers are dropped.
serve_ring() {
  for store in $stores; do
    start "$store" --sync-every 0
    eval "url_$store=\$url; pid_$store=\$server"
  done
  # shellcheck disable=SC2154
  for pair in "a $url_b" "b $url_c" "c $url_a"; do
    store=${pair%% *}
    for old in $(bmsg -C "$store" peers --json | sed -n 's/.*"url":"\([^"]*\)".*/\1/p'); do
      bmsg -C "$store" peers rm "$old"
    done
    bmsg -C "$store" peers add "${pair#* }" >>out
  done
}

cut_ring() {
  # shellcheck disable=SC2154
  for server in "$pid_a" "$pid_b" "$pid_c"; do stop "$server"; done
}

agree() { [ "$(tip a)" = "$(tip b)" ] && [ "$(tip b)" = "$(tip c)" ]; }

# send_and_mine STORE TEXT BLOCKS
send_and_mine() {
  bmsg -C "$1" send --public -m "$2" >>ids
  bmsg -C "$1" mine -n "$3" --no-relay >>out
}

: >ids
serve_ring
for store in $stores; do bmsg -C "$store" sync; done
cut_ring

# Two sides that do not hear of each other: a and b mine on their own, c only sends.
send_and_mine a 'first on the side of a' 1
send_and_mine a 'second on the side of a' 1
send_and_mine b 'first on the side of b' 1
send_and_mine b 'second on the side of b' 1
send_and_mine b 'third on the side of b' 1
bmsg -C c send --public -m 'said by c, mined by nobody' >>ids
if agree; then fail 'the sides do not differ, so nothing is tested'; fi

serve_ring
rounds=0
until agree; do
  rounds=$((rounds + 1))
  [ "$rounds" -le 3 ] || fail "no agreement after three rounds: $(tip a) $(tip b) $(tip c)"
  # 3 says that a round displaced nothing worse than blocks; other codes are failures.
  for store in $stores; do bmsg -C "$store" sync || [ $? -eq 3 ]; done
done
bmsg -C a sync && bmsg -C b sync && bmsg -C c sync

while read -r id; do
  for store in $stores; do
    bmsg -C "$store" cat "$id" >object || fail "store $store lost message $id"
    [ "$(head -c 4 object)" = bmM1 ] || fail "store $store prints no message for $id"
  done
done <ids
cut_ring
for store in $stores; do exits 0 bmsg -C "$store" verify --full; done
printf 'agreed after %s rounds\n' "$rounds"
