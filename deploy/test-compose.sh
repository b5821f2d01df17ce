#!/usr/bin/env bash
# Runs deploy/compose.yaml for real, on Debian 12 as root: a Docker daemon in a namespace of its own, synthserve as the
# Dockerfile builds it, and Debian's Prometheus in place of the image that compose.yaml names.
#   deploy/test-compose.sh
# Environment: as for test-image.sh, with which it shares WORK.
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=containers.sh
source "$here/containers.sh"

prometheus_image=localhost/prometheus:test
prometheus=http://127.0.0.1:9090
docker() { /usr/bin/docker "$@"; } # Debian's, which fits its daemon
compose() { docker-compose --project-name synthserve-test --file "$here/compose.yaml" "$@"; }
check() { printf '   ok: %s\n' "$*"; }

build_prometheus_image() {
  local context=$work/prometheus-image
  mkdir -p "$context"
  cp /usr/bin/prometheus "$context/"
  cat >"$context/Dockerfile" <<'DOCKERFILE'
ARG BASE
FROM ${BASE}
COPY prometheus /bin/prometheus
RUN mkdir /prometheus && chown nobody /prometheus
USER nobody
ENTRYPOINT ["/bin/prometheus"]
DOCKERFILE
  build_image "$prometheus_image" "$context"
}

start_docker() {
  export DOCKER_HOST=unix://$work/docker/docker.sock
  mkdir -p "$work/docker"
  mount -t tmpfs tmpfs /run # for containerd's state
  dockerd --data-root "$work/docker/data" --exec-root "$work/docker/exec" --pidfile "$work/docker/pid" --host "$DOCKER_HOST" \
    >"$work/docker/log" 2>&1 &
  dockerd=$!
  local attempt
  for attempt in {1..60}; do
    ! docker version >/dev/null 2>&1 || return 0
    sleep 0.5
  done
  tail "$work/docker/log"
  fail "no Docker daemon after $((attempt / 2)) s"
}

stop_docker() {
  compose down --volumes --timeout 5 >/dev/null 2>&1 || true
  kill "$dockerd"
  wait "$dockerd" || true
  rm -rf "$work/docker"
}

# The value of a query with one result; nothing if it has none.
query() {
  curl --silent --fail --get --data-urlencode "query=$1" "$prometheus/api/v1/query" | sed -n 's/.*"value":\[[^,]*,"\([^"]*\)"\].*/\1/p'
}

# wait_for SECONDS QUERY: until the query has a result.
wait_for() {
  local end=$((SECONDS + $1))
  until [ -n "$(query "$2")" ]; do
    [ "$SECONDS" -lt "$end" ] || fail "nothing for $2 after $1 s"
    sleep 1
  done
  check "$2: $(query "$2")"
}

run_checks() {
  ip link set lo up
  trap stop_docker EXIT
  start_docker
  docker load --quiet --input "$work/images.tar" >/dev/null

  export SYNTHSERVE_IMAGE=$image PROMETHEUS_IMAGE=$prometheus_image SYNTHSERVE_CPUS=1
  compose config --quiet
  say "starting"
  compose up --detach --no-build >"$work/compose.log" 2>&1 || { cat "$work/compose.log"; fail "up"; }
  local container code
  container=$(compose ps --quiet synthserve)
  [ "$(docker inspect --format '{{.State.Health.Status}}' "$container")" = healthy ] || fail "synthserve is not healthy"
  compose ps

  wait_for 60 'up{job="synthserve"} == 1'
  compose exec -T synthserve synthctl classify "what is my balance" >/dev/null || fail "classify"
  compose exec -T synthserve synthctl load --rate 50 --duration 20 >"$work/load.log" || { cat "$work/load.log"; fail "load"; }
  wait_for 30 'synth:texts:rate1m > 1'
  wait_for 30 'synth:latency_seconds:p99_5m{grpc_method="Classify"} > 0'
  [ -z "$(query 'sum(ALERTS{alertname=~"Synthserve.*"})')" ] || fail "alerts: $(query 'ALERTS')"
  local rules
  rules=$(curl --silent --fail "$prometheus/api/v1/rules")
  if ! grep -q '"health":"ok"' <<<"$rules" || grep -q '"health":"err"' <<<"$rules"; then fail "a rule does not work"; fi
  check "no alert, and all rules work"

  say "stopping synthserve"
  compose stop synthserve >/dev/null 2>&1
  code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
  [ "$code" = 0 ] || fail "synthserve ended with $code"
  check "exit code 0"
  wait_for 60 'count(ALERTS{alertname=~"SynthserveDown|SynthserveAbsent"})'
}

case "${1:-}" in
  '') ;;
  --checks) set_up_containers; run_checks; exit 0 ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

trap release_mounts EXIT
set_up_containers
install_packages docker.io docker-compose iptables prometheus
bootstrap_base
say "building the images"
build_image "$image" "$root" --build-arg "JOBS=${JOBS:-}"
build_prometheus_image
rm -f "$work/images.tar"
podman save --quiet --multi-image-archive --format docker-archive --output "$work/images.tar" "$image" "$prometheus_image"
in_private_namespace "$0" --checks
say "passed"
