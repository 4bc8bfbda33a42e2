#!/bin/sh
# fresh_root.sh [PACKAGE], a campaign of ./dev soak: a Debian that has never seen bmsg. The package
# goes in by apt, one user holds the first conversation, reads the manual and completes commands,
# systemd looks at the units, and after a purge nothing is left.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..

skip() {
  echo "skip: $*"
  exit 77
}

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

[ "$(id -u)" -eq 0 ] || skip 'only root can make a root directory for others'
command -v debootstrap >/dev/null || skip 'debootstrap is not installed'

# Where this machine has its own packages from.
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
  awk -v release="$release" '$2 == release && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || skip "apt knows no source of $release"

work=$(mktemp -d)
root=$work/root
finish() {
  status=$?
  for place in dev/pts proc; do umount -q "$root/$place" 2>/dev/null || true; done
  rm -rf --one-file-system "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM

inside() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# as_user COMMAND...: by somebody who is not root, from home.
as_user() {
  chroot --userspec=ana:ana "$root" env -i PATH=/usr/bin:/bin HOME=/home/ana LC_ALL=C.UTF-8 \
    TERM=dumb MANPAGER=cat PAGER=cat sh -c 'cd; exec "$@"' sh "$@"
}

files_of_root() {
  find "$root" -xdev -path "$root/proc" -prune -o -path "$root/var/cache" -prune -o \
    -path "$root/var/log" -prune -o -path "$root/var/lib/dpkg" -prune -o \
    -path "$root/var/lib/apt" -prune -o -print | sort
}

deb=${1:-$("$top/dev" package | tail -n 1)}
[ -f "$deb" ] || fail 'there is no package'
debootstrap --variant=minbase --include=man-db,bash-completion,zsh,fish,systemd "$release" \
  "$root" "$mirror" >"$work/debootstrap.log" 2>&1 || fail "$(tail -n 5 "$work/debootstrap.log")"
mount -t proc proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
inside useradd -m -s /bin/bash ana
files_of_root >"$work/before"

cp "$deb" "$root/root/bmsg.deb"
inside apt-get install -y --no-install-recommends /root/bmsg.deb \
  >"$work/apt.log" 2>&1 || fail "$(cat "$work/apt.log")"
rm "$root/root/bmsg.deb"

as_user bmsg version
# The eight commands of README.md, by the script that always tries them.
mkdir -p "$root/home/ana/tests/cli"
cp "$here/../cli/first_conversation.sh" "$here/../cli/lib.sh" "$root/home/ana/tests/cli"
cp "$top/README.md" "$root/home/ana"
chmod -R a+rX "$root/home/ana"
as_user env BMSG=/usr/bin/bmsg tests/cli/first_conversation.sh
rm -r "$root/home/ana/tests" "$root/home/ana/README.md"

# The manual, as people ask for it.
for page in "$top"/man/*; do
  name=$(basename "$page")
  as_user man "${name##*.}" "${name%.*}" >"$work/page" 2>"$work/complaint" ||
    fail "man ${name%.*}: $(cat "$work/complaint")"
  [ ! -s "$work/complaint" ] || fail "man ${name%.*} complains: $(cat "$work/complaint")"
done
as_user script -qec 'bmsg help send' /dev/null </dev/null | grep -q 'BMSG-SEND(1)' ||
  fail 'bmsg help send opens no page'
as_user script -qec 'bmsg send --help' /dev/null </dev/null | grep -q 'BMSG-SEND(1)' ||
  fail 'bmsg send --help opens no page'

# Completion, found by each shell itself.
# shellcheck disable=SC2016
as_user bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader bmsg
  COMP_WORDS=(bmsg stat); COMP_CWORD=1; _bmsg; echo "${COMPREPLY[@]}"' | grep -qx status ||
  fail 'bash completes nothing'
as_user fish -c 'complete -C "bmsg stat"' | grep -q '^status' || fail 'fish completes nothing'
# shellcheck disable=SC2016
as_user zsh -c 'autoload -U compinit; compinit -D; echo $_comps[bmsg]' | grep -qx _bmsg ||
  fail 'zsh knows no completion'

# Units: sound, and off until somebody wants them.
for unit in "$root"/usr/lib/systemd/user/bmsg*; do
  as_user env XDG_RUNTIME_DIR=/home/ana systemd-analyze --user --man=no verify \
    "${unit#"$root"}" || fail "systemd complains of $(basename "$unit")"
done
[ -z "$(find "$root/etc" -name 'bmsg*')" ] || fail 'something is enabled or configured unasked'

inside apt-get purge -y bmsg >"$work/apt.log" 2>&1 || fail "$(cat "$work/apt.log")"
files_of_root >"$work/after"
left=$(comm -13 "$work/before" "$work/after" | grep -v "^$root/home/ana" || true)
[ -z "$left" ] || fail "a purge leaves $left"
gone=$(comm -23 "$work/before" "$work/after")
[ -z "$gone" ] || fail "a purge takes $gone"
echo "fresh $release: installed, used, purged"
