#!/bin/sh
# Ten thousand sealed messages, each with its own text, through send, mine and sync to an empty
# store. COUNT=N for fewer.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

count=${COUNT:-10000}
bmsg init ana --name ana --floor 8 --stamp 1 --no-passphrase >out
start ana --sync-every 0
first=$url
bmsg init ben --name ben --genesis "$first" --no-passphrase >>out
bmsg -C ben sync
bmsg -C ana contact add ben "$(bmsg -C ben id)" >>out

# Real texts: lines of the licences that every Debian has, each numbered so that none repeats.
cat /usr/share/common-licenses/* >texts
while [ "$(wc -l <texts)" -lt "$count" ]; do
  cat texts texts >twice
  mv twice texts
done
head -n "$count" texts | python3 -c '
import json, sys
for number, line in enumerate(sys.stdin, 1):
    print(json.dumps({"to": ["ben"], "body": f"{number}: {line.strip()}"}))' >letters

begin=$(date +%s)
bmsg -C ana send --stdin <letters >ids
[ "$(sort -u ids | wc -l)" -eq "$count" ] || fail "send printed $(sort -u ids | wc -l) ids"
sent=$(date +%s)
while [ "$(bmsg -C ana status --json | sed 's/.*"pool":{"messages":\([0-9]*\).*/\1/')" -ne 0 ] ||
  [ "$(bmsg -C ana outbox --json --state queued | wc -l)" -ne 0 ]; do
  bmsg -C ana mine >>blocks
done
mined=$(date +%s)
bmsg -C ben sync
synced=$(date +%s)

[ "$(bmsg -C ben inbox --json | wc -l)" -eq "$count" ] ||
  fail "inbox has $(bmsg -C ben inbox --json | wc -l) messages"
read=$(date +%s)
bmsg -C ben inbox --json --bodies | python3 -c '
import json, sys
want = {json.loads(line)["body"] for line in open("letters")}
got = [json.loads(line)["body"].rstrip("\n") for line in sys.stdin]
if len(got) != len(want) or set(got) != want:
    sys.exit(f"{len(set(got) & want)} of {len(want)} texts arrived, in {len(got)} messages")'
stop "$server"
exits 0 bmsg -C ana verify --full
exits 0 bmsg -C ben verify --full
printf 'seconds: send %s, mine %s (%s blocks), sync %s, inbox %s\n' "$((sent - begin))" \
  "$((mined - sent))" "$(wc -l <blocks)" "$((synced - mined))" "$((read - synced))"
