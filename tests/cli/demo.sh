#!/bin/sh
# ./dev demo: Ana and Ben, two stores, real texts sealed and public, mined, synced over loopback
# both ways, read and verified. Then one byte of a stored message is flipped from outside, and
# verify names its block. Each command is printed before it runs. demo.sh [DIRECTORY]
set -eu
: "${BMSG:?set BMSG to the program to show}"
here=$(cd "$(dirname "$0")" && pwd)
commits=$(cd "$here/../.." && git log -n 5 --format='%h %s%n%n%b' 2>/dev/null) || commits=''
directory=${1:-$(mktemp -d "${TMPDIR:-/tmp}/bmsg-demo.XXXXXX")}
mkdir -p "$directory"
cd "$directory"
PATH=$(dirname "$BMSG"):$PATH
export PATH BMSG_NO_INPUT=1

servers=''
# shellcheck disable=SC2086
trap '[ -z "$servers" ] || kill $servers 2>/dev/null' EXIT

# show COMMAND...: as a person would type it, then what it prints.
show() {
  printf '\n$'
  for word in "$@"; do
    case "$word" in
      *[!A-Za-z0-9_./:@=,-]* | '') printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  "$@"
}

# serve STORE: in the background; leaves $url.
serve() {
  printf '\n$ bmsg -C %s serve --listen 127.0.0.1:0 &\n' "$1"
  bmsg -C "$1" serve --listen 127.0.0.1:0 >"$1.serve" &
  servers="$servers $!"
  tries=0
  until grep -q '^node ' "$1.serve" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || exit 1
    sleep 0.05
  done
  cat "$1.serve"
  url=$(sed -n 's/^listening //p' "$1.serve")
}

stop_all() {
  printf '\n$ kill %%1\n'
  for server in $servers; do
    kill "$server"
    wait "$server" || true
  done
  servers=''
}

printf '== Two people, two stores, one chain\n'
show bmsg init ana --name ana --floor 16 --stamp 1 --no-passphrase
serve ana
show bmsg init ben --name ben --genesis "$url" --no-passphrase
show bmsg -C ben contact add ana "$(bmsg -C ana id)"
show bmsg -C ana contact add ben "$(bmsg -C ben id)"
show bmsg -C ben sync

printf '\n== Ben writes to Ana: the licences of this machine, sealed\n'
sealed=''
for licence in /usr/share/common-licenses/*; do
  if [ ! -f "$licence" ] || [ -L "$licence" ]; then continue; fi
  show bmsg -C ben send -s "$(basename "$licence")" -F "$licence" ana
  sealed=$(basename "$licence")
done
show bmsg -C ben mine
show bmsg -C ben sync
show bmsg -C ana inbox

printf '\n== Ana writes for everybody, and to Ben: what this project did last\n'
printf '%s\n' "${commits:-No commits here.}" >commits
show bmsg -C ana send --public --topic news -s 'last commits' -F commits
show bmsg -C ana send -m "Thank you for the $sealed licence, and the others." ben
show bmsg -C ana mine
show bmsg -C ben sync
show bmsg -C ben inbox
show bmsg -C ben read @
stop_all

printf '\n== The other way round: Ben serves, Ana asks\n'
serve ben
show bmsg -C ana peers add "$url"
show bmsg -C ben send -m 'Served from my side now.' ana
show bmsg -C ben mine
show bmsg -C ana sync
show bmsg -C ana read --no-mark @
show bmsg -C ana log
show bmsg -C ana verify --full
show bmsg -C ben verify --full
stop_all

printf '\n== Somebody with access to the disk changes one byte of a sealed message\n'
id=$(bmsg -C ana inbox --json | python3 -c '
import json, sys
messages = [json.loads(line) for line in sys.stdin]
print(max(messages, key=lambda message: message["size"])["id"])')
height=$(bmsg -C ana inbox --json | python3 -c '
import json, sys
messages = map(json.loads, sys.stdin)
print(next(m["block"]["height"] for m in messages if m["id"] == sys.argv[1]))' "$id")
printf '\n$ bmsg -C ana cat %s >message.bytes\n' "$id"
bmsg -C ana cat "$id" >message.bytes
cp -a ana ana.before
printf '\n# message %.8s... is in block %s\n' "$id" "$height"
printf '$ python3 %s ana/chain message.bytes\n' "$here/flip.py"
python3 "$here/flip.py" ana/chain message.bytes
status=0
show bmsg -C ana verify --full || status=$?
printf '\nexit %s\n' "$status"
[ "$status" -eq 65 ] || exit 1
bmsg -C ana verify --full --json 2>/dev/null | grep -q "\"height\":${height}[,}]" || {
  printf 'verify does not name height %s\n' "$height"
  exit 1
}
show bmsg -C ben verify --full
printf '\nAll of it lies in %s: ana (damaged), ana.before, ben.\n' "$directory"
