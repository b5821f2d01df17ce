# Builds images and runs containers without a registry and without a container engine in the background, from
# Debian 12's packages, as root. Sourced by test-image.sh and test-compose.sh.
# shellcheck shell=bash

# shellcheck disable=SC2034  # for the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${WORK:-${TMPDIR:-/tmp}/synthserve-image}
# shellcheck disable=SC2034
image=localhost/synthserve:test
base=localhost/debian:bookworm-slim
containers_tools=(buildah podman runc mmdebstrap uidmap containernetworking-plugins catatonit skopeo iproute2 curl)

say() { printf '== [%3d s] %s\n' "$SECONDS" "$*"; }
fail() { printf 'FAIL: %s\n' "$*" >&2; exit 1; }
trap 'printf "FAIL: %s, line %s: %s\n" "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND" >&2' ERR

install_packages() {
  local package missing=()
  for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing: ${missing[*]}"
  apt-get -qq update
  # RUNLEVEL=1 keeps packages from starting services of their own.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
    "${missing[@]}" >"$work/apt.log" 2>&1 || { tail "$work/apt.log"; fail "packages"; }
}

# The tools, storage of our own below $work, and settings that also suit a machine that is itself a container: runc,
# as crun refuses hybrid cgroups; no more open files than we may grant; no systemd.
set_up_containers() {
  [ "$(id -u)" -eq 0 ] || fail "needs root"
  mkdir -p "$work"
  install_packages "${containers_tools[@]}"
  local files
  files=$(ulimit -Hn)
  if [ "$files" = unlimited ] || [ "$files" -gt 10000 ]; then files=10000; fi
  cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
  export CONTAINERS_CONF=$work/containers.conf
  storage=(--root "$work/storage" --runroot "$work/run" --storage-driver overlay)
}

# What podman and buildah leave mounted below $work. At the end of a script, and before $work is removed.
release_mounts() {
  ! mountpoint --quiet "$work/storage/overlay" || umount --recursive "$work/storage/overlay"
}

podman() {
  command podman "${storage[@]}" "$@" 2> >(grep -v 'unable to get systemd connection' >&2 || true)
}

# debian:bookworm-slim, as near as Debian's packages come to it.
bootstrap_base() {
  if podman image exists "$base"; then return; fi
  say "bootstrapping $base"
  local tree=$work/base
  rm -rf "$tree"
  # shellcheck disable=SC2016  # apt's variables, not the shell's
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sort -u | grep -E ' bookworm[a-z-]* main$' >"$work/sources.list"
  cat >"$work/dpkg.cfg" <<'CONF'
force-unsafe-io
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
CONF
  local option options=()
  while read -r option; do options+=("--dpkgopt=${option/ /=}"); done <"$work/dpkg.cfg"
  # usr-is-merged, as otherwise usrmerge comes and brings all of Perl.
  mmdebstrap --quiet --mode=root --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include=usr-is-merged \
    "${options[@]}" bookworm "$tree" "$work/sources.list" >"$work/base.log" 2>&1 || { tail "$work/base.log"; fail "bootstrap"; }
  cp "$work/dpkg.cfg" "$tree/etc/dpkg/dpkg.cfg.d/docker"
  # Without these lines apt's caches double the build stage.
  cat >"$tree/etc/apt/apt.conf.d/docker-clean" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
CONF
  rm -rf "$tree"/{var/cache/apt/*.bin,var/cache/apt/archives/*.deb,var/lib/apt/lists/*,var/log/*,etc/hostname,etc/resolv.conf} \
    "$tree"/{etc/apt/apt.conf.d/99mmdebstrap,etc/dpkg/dpkg.cfg.d/99mmdebstrap}
  tar --directory "$tree" --numeric-owner --sort=name --create . |
    podman import --quiet --change 'CMD ["bash"]' - "$base" >/dev/null
  rm -rf "$tree"
}

# build_image TAG CONTEXT [ARGUMENT...]: chroot isolation needs neither cgroups nor a network of its own, and docker's
# format keeps the health check.
build_image() {
  local tag=$1 context=$2 log
  log=$work/build-$(basename "${tag%:*}").log
  shift 2
  buildah "${storage[@]}" build --isolation chroot --network host --format docker --pull-never --layers \
    --build-arg "BASE=$base" --tag "$tag" "$@" "$context" >"$log" 2>&1 || { tail -n 40 "$log"; fail "building $tag"; }
}

# What an image takes on disk and, compressed, on the network; in bytes.
image_size() { podman image inspect --format '{{.Size}}' "$1"; }
compressed_size() {
  local copy
  copy=$(mktemp -d "$work/copy.XXXXXX")
  skopeo copy --quiet --dest-compress "containers-storage:[overlay@$work/storage+$work/run]$1" "dir:$copy"
  du --summarize --bytes "$copy" | cut -f1
  rm -rf "$copy"
}
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

# Runs a command with a network and mounts of its own: its ports are on a 127.0.0.1 that nobody else sees.
in_private_namespace() { unshare --net --mount --propagation private "$@"; }
