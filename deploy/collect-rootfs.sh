#!/usr/bin/env bash
# Collects into ROOTFS what PROGRAMs need around them on an otherwise empty file system, and what the licences ask
# for. The Dockerfile runs it in the build stage; the programs themselves are not copied.
#   collect-rootfs.sh BUILD_DIR ROOTFS PROGRAM...
set -euo pipefail
build=$1 rootfs=$2
shift 2

fail() { echo "collect-rootfs.sh: $*" >&2; exit 1; }

# Reads files, writes "package: file" for each that a package owns. On a merged /usr, dpkg may know a file by its
# path with or without /usr.
owners() {
  sed -e 'p; s#^/usr##; t; s#^#/usr#' | xargs -d '\n' dpkg-query --search 2>/dev/null | grep -v '^diversion' || true
}

copy_licence() {
  install -D --mode=644 "/usr/share/doc/$1/copyright" "$rootfs/usr/share/doc/$1/copyright"
}

mkdir -p "$rootfs"/{usr/lib,usr/lib64,etc,tmp,var/lib/dpkg/status.d}
ln -s usr/lib usr/lib64 "$rootfs/"
chmod 1777 "$rootfs/tmp"

# The shared libraries and the loader, each under the name that it is looked for.
dependencies=$(ldd "$@")
! grep 'not found' <<<"$dependencies" || fail "libraries are missing"
libraries=$(awk '$2 == "=>" { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' <<<"$dependencies" | sort -u)
for library in $libraries; do
  install -D --mode=755 "$(readlink -f "$library")" "$rootfs$library"
done

# The packages of these and of the archives that are linked in, described where vulnerability scanners look for them.
owned=$(xargs readlink -f <<<"$libraries" | owners)
[ "$(wc -l <<<"$owned")" -eq "$(wc -w <<<"$libraries")" ] || fail "some libraries belong to no package"
archives=$(grep -oE '/usr/lib/[^ ]+\.a\b' "$build/build.ninja" | sort -u || true)
owned+=$'\n'$(owners <<<"$archives")
packages=$(sed 's/:.*//; /^$/d' <<<"$owned" | sort -u)
for package in $packages; do
  dpkg-query --status "$package" >"$rootfs/var/lib/dpkg/status.d/$package"
  copy_licence "$package"
done

# The licences of headers, too, which are code in C++.
headers=$(ninja -C "$build" -t deps | sed -n 's#^ *\(/usr/include/.*\)#\1#p' | sort -u)
[ -n "$headers" ] || fail "no headers found in $build"
packages=$(owners <<<"$headers" | sed 's/:.*//' | sort -u)
for package in $packages; do copy_licence "$package"; done

# The texts that the licences refer to, and our own.
cp -r /usr/share/common-licenses "$rootfs/usr/share/"
install -D --mode=644 LICENSE "$rootfs/usr/share/doc/synthserve/copyright"

# A user name for people who look, the resolver's order, and the release for scanners.
echo 'synthserve:x:10001:10001::/:/sbin/nologin' >"$rootfs/etc/passwd"
echo 'synthserve:x:10001:' >"$rootfs/etc/group"
echo 'hosts: files dns' >"$rootfs/etc/nsswitch.conf"
install --mode=644 /etc/os-release "$rootfs/etc/os-release"

# The same packages give the same layer.
find "$rootfs" -exec touch --no-dereference --date=@0 {} +
