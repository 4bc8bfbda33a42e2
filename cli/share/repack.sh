#!/bin/sh
# repack.sh PACKAGE DIRECTORY: takes out of a .deb what depends on the machine. CPack's
# Installed-Size adds up what directories take on this file system, and its archive has modes of
# this umask.
set -eu
package=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
size=$(find "$2" -printf '%y %s\n' |
  awk '{ kib += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print kib }')
cd "$work"
ar x "$package"
mkdir control
tar xzf control.tar.gz -C control
sed -i "s/^Installed-Size: .*/Installed-Size: $size/" control/control
tar c --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=root:0 --group=root:0 --mode=u=rw,go=r \
  -C control ./control ./md5sums | gzip -9n >control.tar.gz
ar rcDS new.deb debian-binary control.tar.gz data.tar.xz
cat new.deb >"$package"
