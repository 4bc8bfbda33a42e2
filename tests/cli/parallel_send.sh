#!/bin/sh
# While serve runs, a hundred sends at once all succeed and all arrive. While it is stopped by a
# signal, sending and reading go on, and writing ends in time and says who is in the way.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

bmsg init ana --name ana --floor 8 --stamp 1 --no-passphrase >out
start ana --sync-every 0
bmsg init ben --name ben --genesis "$url" --no-passphrase >>out
bmsg -C ben sync
bmsg -C ana contact add ben "$(bmsg -C ben id)" >>out

pids=''
n=0
while [ "$n" -lt 100 ]; do
  n=$((n + 1))
  bmsg -C ana send -m "number $n" ben >"id.$n" 2>"err.$n" &
  pids="$pids $!"
done
for pid in $pids; do wait "$pid" || fail "a send failed: $(cat err.*)"; done
[ "$(cat id.* | sort -u | wc -l)" -eq 100 ] || fail "$(cat id.* | sort -u | wc -l) ids, not 100"

bmsg -C ana mine >>out
bmsg -C ben sync
[ "$(bmsg -C ben inbox --json | wc -l)" -eq 100 ] ||
  fail "$(bmsg -C ben inbox --json | wc -l) of 100 arrived"

# Now the holder of the lock hangs.
kill -STOP "$server"
exits 0 bmsg -C ana send -m 'while it hangs' ben
matches "$out" "$hex128" 'send while serve hangs'
waiting=$out
for reader in 'inbox' 'status' 'log -n 1' 'outbox'; do
  # shellcheck disable=SC2086
  exits 0 timeout 15 "$BMSG" -C ana $reader
done

begin=$(date +%s)
exits 75 timeout 30 "$BMSG" -C ana --lock-timeout 2 mine
took=$(($(date +%s) - begin))
[ "$took" -le 4 ] || fail "mine gave up after $took s, not 2 + 2"
printf '%s\n' "$err" | grep -q "$server" || fail "mine does not name process $server: $err"

kill -CONT "$server"
within 20 bmsg -C ana mine >>out || fail 'mine does not recover'
bmsg -C ben sync
bmsg -C ben read --body --no-mark "$waiting" | grep -q '^while it hangs$' ||
  fail 'what was sent while serve hung did not arrive'
stop "$server"
exits 0 bmsg -C ana verify --full
