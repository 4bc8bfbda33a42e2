#!/bin/sh
# Bad input gets a sentence, the exit code of the manual, and changes nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

# says TEXT: the last complaint holds it.
says() {
  case $err in
    *"$1"*) ;;
    *) fail "the complaint does not say '$1': $err" ;;
  esac
}

# refuses CODE TEXT COMMAND...
refuses() {
  code=$1
  text=$2
  shift 2
  exits "$code" "$@"
  [ -z "$out" ] || fail "'$*' printed: $out"
  says "$text"
}

stranger=bmsg132yw8ht5p8cetl2jmvknewjawt9xwzdlrk2pyxlnwjyqrdq0dawqguumee

refuses 66 'no store here' bmsg status
refuses 64 "did you mean 'send'" bmsg sned
refuses 64 '"code":64' bmsg --json sned
exits 0 bmsg init ana --floor 8 --no-passphrase
refuses 73 'already' bmsg init ana --no-passphrase
exits 0 bmsg init ana --no-passphrase --if-missing
refuses 67 "no contact 'zoe'" bmsg -C ana send -m hi zoe
refuses 67 'no usable card' bmsg -C ana send -m hi "$stranger"
refuses 64 'empty' bmsg -C ana send --public -m ''
printf '\377\376' >binary
refuses 65 'not UTF-8' bmsg -C ana send --public -F binary
head -c 70000 /dev/zero | tr '\0' x >long
refuses 65 'the limit is 65536 bytes' bmsg -C ana send --public -F long
refuses 66 "no file 'absent'" bmsg -C ana send --public -F absent
refuses 66 'no message' bmsg -C ana read deadbeef
refuses 78 "unknown key 'send.expire', did you mean 'send.expires'" bmsg -C ana -c send.expire=1d config list
refuses 64 '--key is for one message' bmsg -C ana send --stdin --key k
refuses 64 'a recipient is for one message' bmsg -C ana send --stdin zoe
refuses 64 '-m and -F both' bmsg -C ana send --public -m x -F long
refuses 64 '--topic is for public' bmsg -C ana send --topic abcd -m x zoe
for time in '2026- 1- 1' '2026-+1-01' '+026-01-01' '2026-01-01T-9:00:00Z' '2026-01-01T 9:00:00Z'; do
  refuses 64 'is no time' bmsg -C ana inbox --since "$time"
done
exits 0 bmsg -C ana inbox --since 2026-01-01
exits 0 bmsg -C ana inbox --since 2026-01-01T09:00:00Z
mkdir folder
refuses 66 'is a directory' bmsg -C ana import folder
refuses 69 'none can answer' bmsg -C ana sync --require 1
refuses 64 "'purple' is none of auto, always, never" bmsg -C ana config set color.ui purple
refuses 64 "'x' is not a number" bmsg -C ana config set mine.threads x
refuses 78 "unknown key 'bogus'" bmsg -C ana config set bogus 1
cp ana/config.toml kept 2>/dev/null || : >kept
echo 'bogus = 1' >>ana/config.toml
refuses 78 "unknown key 'bogus'" bmsg -C ana status
refuses 78 "unknown key 'bogus'" bmsg -C ana inbox
exits 1 bmsg -C ana doctor
exits 0 bmsg -C ana config unset bogus
exits 0 bmsg -C ana status
cp kept ana/config.toml
echo 'lock.timeout = "soon"' >>ana/config.toml
refuses 78 "lock.timeout: 'soon' is not a duration" bmsg -C ana status
exits 0 bmsg -C ana config unset lock.timeout
# What 'config set' would not find again is not taken.
cp ana/config.toml kept
for line in max_reorg 'max_reorg = 1 2' 'max_reorg = [1]' '[limits' '"max_reorg" = 3' '.max_reorg = 3' 'max_reorg. = 3'; do
  printf '%s\n' "$line" >>ana/config.toml
  refuses 78 "is not 'key = value'" bmsg -C ana status
  cp kept ana/config.toml
done
printf '[ limits ]\nput = 5\n' >>ana/config.toml
refuses 78 "is not 'key = value'" bmsg -C ana status
cp kept ana/config.toml
printf ' [limits]\t\n\tput\t=  4096  # four\n' >>ana/config.toml
exits 0 bmsg -C ana status
cp kept ana/config.toml
refuses 78 "-c: color.ui: 'purple' is none of" bmsg -C ana -c color.ui=purple status
refuses 64 'an empty word names no store' bmsg -C '' status
HOME=there refuses 78 'names a directory' bmsg status
HOME=there refuses 78 'names a directory' bmsg init --no-passphrase
# A comment begins outside quotes; what a file cannot hold stands there by its address.
exits 0 bmsg -C ana config set --user core.pager 'a # b'
exits 0 bmsg -C ana config get core.pager
[ "$out" = 'a # b' ] || fail "core.pager is '$out'"
printf '%s\n' 'mine.bury = 7 # blocks' "send.expires = '1d' # long" '#' 'hooks.timeout = "2m"# x' >>ana/config.toml
for pair in mine.bury=7 send.expires=1d hooks.timeout=2m; do
  exits 0 bmsg -C ana config get "${pair%=*}"
  [ "$out" = "${pair#*=}" ] || fail "$pair is '$out'"
done
exits 0 bmsg init names --genesis ana/genesis --no-passphrase
for name in 'Team #1' 'a "b"'; do
  exits 0 bmsg -C names id new "$name"
  exits 0 bmsg -C names id use "$name"
  exits 0 bmsg -C names id --json
  case $out in *'"name":"'"$(printf %s "$name" | sed 's/"/\\"/g')"'"'*) ;; *) fail "'$name' is $out" ;; esac
done
exits 0 bmsg -C ana config unset --user core.pager
cp kept ana/config.toml
# Who never ends to speak is not waited for.
exits 64 bmsg init loud --genesis ana/genesis --passphrase-command 'head -c 200000 /dev/zero'
says 'longer than 65536 bytes'
refuses 73 '' bmsg -C ana id --card long
exits 0 bmsg -C ana id --card ana.card
exits 0 bmsg -C ana outbox
[ "$(printf '%s\n' "$out" | wc -l)" -eq 1 ] || fail "a refused message is in the outbox: $out"

exits 0 bmsg init hard --floor 60 --stamp 0 --no-passphrase
exits 75 bmsg -C hard send --public -m x --now --timeout 1
says 'no block was found in the time'
refuses 64 '--timeout is for' bmsg -C hard send --public -m x --timeout 1
cp hard/keys/keyring keyring
head -c 200 /dev/zero | tr '\0' x >hard/keys/keyring
refuses 65 'no keyring' bmsg -C hard id
cp keyring hard/keys/keyring

echo right >right
echo wrong >wrong
exits 0 bmsg init ben --floor 8 --passphrase-file right
refuses 77 'wrong passphrase' bmsg -C ben id --passphrase-file wrong
refuses 77 'is locked' bmsg -C ben id
refuses 77 'is to have a passphrase, and there is no terminal' bmsg init zoe
says '--passphrase-file'
says 'say --no-passphrase'
refuses 77 'is to have a new passphrase' bmsg -C ben passwd --passphrase-file right
says '--new-passphrase-file'
exits 0 bmsg -C ben id --passphrase-file right

start ana
refuses 78 'another chain' bmsg -C ben peers add "$url"
refuses 69 'Address already in use' bmsg -C ben serve --listen "$url"
refuses 75 'is held by process' bmsg -C ana serve --lock-timeout 1
stop "$server"
exits 0 bmsg -C ana peers add --no-probe "$url"
exits 69 bmsg -C ana sync

exits 0 bmsg -C ana mine
"$BMSG" -C ana cat 1 >block
head -c 300 block >stump
refuses 65 'malformed' bmsg -C ana submit-block stump
refuses 65 'unknown' bmsg -C ben submit-block block

for moved in /usr/lib/*/faketime/libfaketime.so.1; do
  [ -e "$moved" ] || continue
  refuses 75 'set the clock' env LD_PRELOAD="$moved" FAKETIME=-10y "$BMSG" -C ana mine --allow-empty
done

cp -r ana newer
echo 'bmsg-store 2' >newer/format
refuses 78 'made by a newer bmsg' bmsg -C newer status
cp -r ana damaged
python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(100); b = f.read(1)[0] ^ 1; f.seek(100)
f.write(bytes([b]))' damaged/keys/keyring
refuses 65 'damaged' bmsg -C damaged inbox
rm -r damaged/chain
refuses 66 'no database' bmsg -C damaged log
