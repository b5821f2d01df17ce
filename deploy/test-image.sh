#!/usr/bin/env bash
# Builds the image for real and runs it for real, on Debian 12 as root, without a registry and without a container
# engine in the background.
#   deploy/test-image.sh            builds (from the caches of the last time, if any) and checks
#   deploy/test-image.sh --clean    removes what it keeps in WORK
# Environment: WORK (${TMPDIR:-/tmp}/synthserve-image), JOBS (compilers at a time).
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=containers.sh
source "$here/containers.sh"

name=synthserve-test
metrics=http://127.0.0.1:9464
check() { printf '   ok: %s\n' "$*"; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }
holds() { awk "BEGIN { exit !($*) }"; }

# -- Inspecting -------------------------------------------------------------------------------------------------------

inspect_image() {
  say "inspecting"
  local value
  config() { podman image inspect --format "{{$1}}" "$image"; }
  [ "$(config .Config.User)" = 10001:10001 ] || fail "user: $(config .Config.User)"
  [ "$(config .Config.StopSignal)" = SIGTERM ] || fail "stop signal: $(config .Config.StopSignal)"
  for value in 50051/tcp 9464/tcp; do
    [[ $(config .Config.ExposedPorts) == *$value* ]] || fail "port $value is not exposed"
  done
  check "user $(config .Config.User), stop signal $(config .Config.StopSignal), ports $(config .Config.ExposedPorts)"

  value=$(podman run --rm --network none "$image" --version)
  [ "$(config 'index .Config.Labels "org.opencontainers.image.version"')" = "$value" ] ||
    fail "the version label is not $value, as the program says"
  check "version label and program agree: $value"

  local tree package
  tree=$(podman image mount "$image")
  for package in "$tree"/var/lib/dpkg/status.d/*; do
    [ -s "$tree/usr/share/doc/$(basename "$package")/copyright" ] || fail "no licence of $(basename "$package")"
  done
  [ -s "$tree/usr/share/doc/synthserve/copyright" ] || fail "no licence of synthserve"
  value=$(find "$tree" -xdev -perm /6000)
  [ -z "$value" ] || fail "set-user-id files: $value"
  check "$(find "$tree/var/lib/dpkg/status.d" -type f | wc -l) Debian packages, all with their licences;" \
    "$(find "$tree" -xdev -name '*.so*' -type f | wc -l) libraries; no set-user-id files"
  du --bytes --summarize "$tree"/models "$tree"/usr/local/bin "$tree"/usr/lib "$tree"/usr/share | sed "s#$tree#     #"
  podman image unmount "$image" >/dev/null
}

# -- Running ----------------------------------------------------------------------------------------------------------

hardened=(--network host --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges
  --memory 256m --pids-limit 200)
cpus=()

# serve [PODMAN_OPTION...]: starts the container under test, and waits until it serves.
serve() {
  podman rm --force --time 0 "$name" >/dev/null 2>&1 || true
  podman run --detach --name "$name" "${hardened[@]}" "${cpus[@]}" "$@" "$image" >/dev/null
  local attempt
  for attempt in {1..1500}; do
    ! curl --silent --fail --output /dev/null "$metrics/healthz" || return 0
    [ "$attempt" -lt 50 ] || [ "$(container .State.Running)" = true ] || break
    sleep 0.02
  done
  podman logs "$name"
  fail "the container does not serve"
}
container() { podman container inspect --format "{{$1}}" "$name"; }

# The client in a container of its own, which outlives the server.
client() { podman run --rm --interactive --network host --entrypoint /usr/local/bin/synthctl "$image" "$@"; }

# metric 'NAME{LABELS}': the sum of the series whose line starts so.
metric() {
  curl --silent --fail "$metrics/metrics" | awk -v start="$1" 'index($0, start) == 1 { sum += $NF } END { printf "%.3f", sum }'
}

check_start() {
  say "starting, hardened: read-only without any tmpfs, no capabilities, no new privileges, 256 MB"
  if podman run --rm --cpus 1 --network none "$image" --version >/dev/null 2>"$work/cpus.log"; then cpus=(--cpus 1); fi
  local start first
  start=$(now)
  serve
  say "$(since "$start") s from podman run to SERVING, of which the server itself: $(podman logs "$name" 2>&1 |
    awk '/ starting / || / serving / { print $1 }' | xargs -I{} date --date={} +%s.%N | awk 'NR == 1 { first = $1 } END { printf "%.0f ms", ($1 - first) * 1000 }')"
  first=$(metric process_resident_memory_bytes)
  say "resident after the start: $(megabytes "$first")"
}

check_confinement() {
  local pid status
  pid=$(container .State.Pid)
  status=$(cat "/proc/$pid/status")
  grep -qP '^Uid:\t10001\t10001\t10001\t10001$' <<<"$status" || fail "runs as $(grep Uid <<<"$status")"
  grep -qP '^NoNewPrivs:\t1$' <<<"$status" || fail "may gain privileges"
  ! grep -P '^Cap(Inh|Prm|Eff|Bnd|Amb):\t0*[1-9a-f]' <<<"$status" || fail "has capabilities"
  check "user 10001, no new privileges, no capabilities, seccomp mode $(grep -oP '^Seccomp:\t\K.' <<<"$status")"

  grep -qP '^\S+ / \S+ ro[ ,]' "/proc/$pid/mounts" || fail "the root file system is writable"
  local code=0
  podman exec --user 0 "$name" synthctl tokenize x --out /etc/x >/dev/null 2>&1 || code=$?
  [ "$code" -eq 5 ] || fail "writing to the root file system ended with $code instead of 5"
  check "the root file system is read-only, even for root"
}

check_service() {
  podman healthcheck run "$name" >/dev/null || fail "the health check fails"
  [ "$(container .State.Health.Status)" = healthy ] || fail "health: $(container .State.Health.Status)"
  ! podman exec "$name" synthctl --server 127.0.0.1:1 health 2>/dev/null || fail "the health check never fails"
  check "health check: healthy"

  local answer
  answer=$(podman exec "$name" synthctl classify --output jsonl "what is my balance")
  grep -q '"labels":\[{' <<<"$answer" || fail "classify answered $answer"
  check "classify: $(head -c 200 <<<"$answer")"
  podman exec "$name" synthctl encode "play some music" >/dev/null || fail "encode"
  [ "$(curl --silent "$metrics/healthz")" = SERVING ] || fail "/healthz"
  holds "$(metric 'grpc_server_handled_total{grpc_code="OK",grpc_method="Classify"') >= 1" || fail "/metrics does not count the call"
  check "encode, /healthz; /metrics has $(curl --silent "$metrics/metrics" | grep -vc '^#') series"
}

check_cpu_limit() {
  if [ ${#cpus[@]} -eq 0 ]; then
    say "NOT CHECKED: the CPU limit; this machine refuses one ($(tail -n 1 "$work/cpus.log"))"
    return
  fi
  [ "$(metric 'synth_cpu_quota ')" = 1.000 ] || fail "synth_cpu_quota is $(metric 'synth_cpu_quota ')"
  [ "$(metric 'synth_lanes{')" = 1.000 ] || fail "$(metric 'synth_lanes{') lanes for one CPU"
  check "quota of 1 CPU seen on a machine with $(metric 'synth_cpus ' | cut -d. -f1): 1 lane"

  local used start rate
  client load --concurrency 16 --warmup 0 --duration 8 --texts-per-request 4 >"$work/load.log" 2>&1 &
  local load=$!
  sleep 2
  used=$(metric process_cpu_seconds_total) start=$(now)
  sleep 4
  rate=$(awk -v a="$used" -v b="$(metric process_cpu_seconds_total)" -v t="$(since "$start")" 'BEGIN { printf "%.2f", (b - a) / t }')
  wait "$load" || { cat "$work/load.log"; fail "load"; }
  holds "$rate <= 1.1" || fail "uses $rate CPUs"
  check "under load it uses $rate CPUs; periods held back: $(nr_throttled)"
  sed 's/^/     /' "$work/load.log"
  say "resident after the load: $(megabytes "$(metric process_resident_memory_bytes)"), peak $(awk '/^VmHWM/ { printf "%.1f MB", $2 * 1024 / 1e6 }' "/proc/$(container .State.Pid)/status")"
}

# From the container's cgroup, version 2 or 1.
nr_throttled() {
  local group
  group=$(awk -F: '$2 == "" || $2 ~ /(^|,)cpu(,|$)/ { print $2 ":" $3 }' "/proc/$(container .State.Pid)/cgroup" | sort -r | head -n 1)
  awk '$1 == "nr_throttled" { print $2 }' "/sys/fs/cgroup/${group%%:*}${group#*:}/cpu.stat" 2>/dev/null || echo unknown
}

check_wrong_start() {
  local code=0
  podman run --rm "${hardened[@]}" "$image" --no-such-option >/dev/null 2>&1 || code=$?
  [ "$code" -eq 2 ] || fail "a wrong option ends with $code"
  code=0
  podman run --rm "${hardened[@]}" "$image" --model /nowhere >/dev/null 2>&1 || code=$?
  [ "$code" -eq 1 ] || fail "a missing model ends with $code"
  check "a wrong option ends with 2, a missing model with 1"
}

check_idle_stop() {
  local start
  start=$(now)
  podman stop --time 30 "$name" >/dev/null
  [ "$(container .State.ExitCode)" = 0 ] || fail "idle stop: exit code $(container .State.ExitCode)"
  check "SIGTERM while idle: exit code 0 after $(since "$start") s"
}

# Three calls of 4000 texts each are under way when SIGTERM comes. Their answers must arrive whole.
check_drain() {
  local answer
  say "stopping under running calls, with a mounted model"
  serve --volume "$root/models/intent-clinc150:/mnt/model:ro" --env SYNTHSERVE_MODEL=mounted=/mnt/model \
    --env SYNTHSERVE_DRAIN_DELAY=300ms --env SYNTHSERVE_DRAIN_TIMEOUT=20s \
    --env SYNTHSERVE_MAX_TEXTS=4000 --env SYNTHSERVE_MAX_QUEUE_TOKENS=10000000 --env SYNTHSERVE_MAX_QUEUE_TIME=60s
  answer=$(client --model mounted model)
  grep -q mounted <<<"$answer" || fail "the mounted model is not served"
  check "a mounted model, by environment variables"

  awk 'BEGIN { for (i = 0; i < 12000; ++i) { line = "call " i; while (length(line) < 240) line = line " transfer money"; print line } }' >"$work/texts.txt"
  client classify --deadline 60 --attempts 1 --batch 4000 --concurrency 3 --output jsonl --file - \
    <"$work/texts.txt" >"$work/answer.jsonl" 2>"$work/answer.log" &
  local call=$! attempt code=0 start stop under_way
  for attempt in {1..500}; do
    [ "$(calls_under_way)" -lt 3 ] || break
    sleep 0.02
  done
  start=$(now)
  podman stop --time 30 "$name" >/dev/null &
  stop=$!
  for attempt in {1..50}; do
    [ "$(curl --silent "$metrics/healthz")" != NOT_SERVING ] || break
    sleep 0.01
  done
  [ "$(curl --silent --output /dev/null --write-out '%{http_code}' "$metrics/healthz")" = 503 ] || fail "/healthz while draining"
  under_way=$(calls_under_way)
  [ "$under_way" -ge 1 ] || fail "the calls were over before SIGTERM came"
  ! podman healthcheck run "$name" >/dev/null 2>&1 || fail "the health check does not see the drain"
  wait "$stop"
  # The server promises the delay and the timeout; ending takes it up to 2 s more.
  holds "$(since "$start") < 23" || fail "draining took $(since "$start") s"
  say "$under_way calls under way at SIGTERM; stopped after $(since "$start") s"
  wait "$call" || code=$?
  [ "$code" -eq 0 ] || { tail -n 3 "$work/answer.log"; fail "the client ended with $code"; }
  [ "$(grep -c '"labels":\[{' "$work/answer.jsonl")" -eq 12000 ] || fail "the answers are not whole"
  [ "$(container .State.ExitCode)" = 0 ] || { podman logs "$name"; fail "exit code $(container .State.ExitCode)"; }
  check "NOT_SERVING at once, all 12000 texts answered, exit code 0"
  podman logs "$name" 2>&1 | tail -n 3 | sed 's/^/     /'
}

calls_under_way() {
  curl --silent --fail "$metrics/metrics" | awk '/^grpc_server_started_total{grpc_method="Classify"/ { calls += $NF }
    /^grpc_server_handled_total.*grpc_method="Classify"/ { calls -= $NF } END { print calls + 0 }'
}

run_checks() {
  trap 'podman rm --force --time 0 "$name" >/dev/null 2>&1 || true' EXIT
  ip link set lo up
  inspect_image
  check_start
  check_confinement
  check_service
  check_cpu_limit
  check_idle_stop
  check_wrong_start
  check_drain
}

# ---------------------------------------------------------------------------------------------------------------------

case "${1:-}" in
  '') ;;
  --clean) release_mounts; rm -rf --one-file-system "$work"; exit 0 ;;
  --checks) set_up_containers; run_checks; exit 0 ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

trap release_mounts EXIT
set_up_containers
bootstrap_base
say "building $image"
start=$SECONDS
build_image "$image" "$root" --build-arg "JOBS=${JOBS:-}"
say "built in $((SECONDS - start)) s: $(megabytes "$(image_size "$image")"), $(megabytes "$(compressed_size "$image")") compressed"
in_private_namespace "$0" --checks
say "passed"
