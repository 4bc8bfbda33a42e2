# shellcheck shell=sh disable=SC2034
# Sourced by the scripts beside it: a directory of their own, servers that end with them, and
# claims that fail loudly. Needs BMSG, the program to run.

: "${BMSG:?set BMSG to the program to test}"

work=$(mktemp -d)
servers=''
for variable in $(env | sed -n 's/^\(BMSG_[A-Z_]*\)=.*/\1/p'); do unset "$variable"; done
export HOME="$work" BMSG_CONFIG_NOSYSTEM=1 BMSG_NO_INPUT=1
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME

finish() {
  status=$?
  for server in $servers; do
    kill -CONT "$server" 2>/dev/null || true
    kill "$server" 2>/dev/null || true
  done
  wait
  cd /
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1

bmsg() { "$BMSG" "$@"; }

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# matches TEXT PATTERN WHAT: the whole text against an extended regular expression.
matches() {
  printf '%s\n' "$1" | grep -Eqx -- "$2" || fail "$3: got '$1', want /$2/"
}

# exits CODE COMMAND...: with its output in $out and its complaints in $err.
exits() {
  want=$1
  shift
  got=0
  out=$("$@" 2>"$work/err") || got=$?
  err=$(cat "$work/err")
  [ "$got" -eq "$want" ] || fail "'$*' exited $got, not $want: $out $err"
}

# within SECONDS COMMAND...: asks until it is true.
within() {
  deadline=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -le "$deadline" ] || return 1
    sleep 0.05
  done
}

# start STORE [OPTION]...: serves the store on a free port; leaves $url and $server.
start() {
  store=$1
  shift
  log=$work/$(basename "$store").serve
  : >"$log"
  "$BMSG" -C "$store" serve --listen 127.0.0.1:0 "$@" >"$log" 2>"$log.err" &
  server=$!
  servers="$servers $server"
  within 20 grep -q '^node ' "$log" || fail "serve of $store: $(cat "$log" "$log.err")"
  url=$(sed -n 's/^listening //p' "$log")
}

# stop PID: ends a server in good order.
stop() {
  kill "$1"
  wait "$1" || fail "serve ended with $?"
  servers=$(printf '%s' "$servers" | sed "s/ $1\\b//")
}

# tip STORE: height and hash of the best chain's last block.
tip() { bmsg -C "$1" log -n 1 --json | sed 's/.*"hash":"\([0-9a-f]*\)".*/\1/'; }

hex128='[0-9a-f]{128}'
