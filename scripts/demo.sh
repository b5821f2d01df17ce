#!/usr/bin/env bash
# The main job, from nothing: installs what is missing, builds, serves the shipped models, calls them, shows what
# moved in the metrics, and stops the server.
#   scripts/demo.sh          everything
#   scripts/demo.sh --keep   leaves the server running at the end
# Environment: GRPC_PORT (50051), METRICS_PORT (9464).
set -euo pipefail
cd "$(dirname "$0")/.."

keep=no
case "${1:-}" in
  '') ;;
  --keep) keep=yes ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
grpc=127.0.0.1:${GRPC_PORT:-50051}
http=127.0.0.1:${METRICS_PORT:-9464}
bin=build/release
log=build/demo.log

start=$SECONDS
step() { printf '\n\033[1m== [%3d s] %s\033[0m\n' $((SECONDS - start)) "$*"; }
show() { printf '\n$ %s\n' "${*@Q}"; "$@"; }

step "Install what is missing"
scripts/install-deps.sh --build-only

step "Build synthserve and synthctl"
cmake --preset release >/dev/null
cmake --build --preset release --target synthserve synthctl

step "Serve models/intent-clinc150 and models/sentiment-imdb"
"$bin/server/synthserve" --model models/intent-clinc150 --model models/sentiment-imdb --listen "$grpc" --metrics-listen "$http" 2>"$log" &
server=$!
stop() { kill -TERM "$server" 2>/dev/null || true; }
trap stop EXIT
synthctl() { show "$bin/client/synthctl" --server "$grpc" "$@"; }
if ! synthctl health --wait 30; then cat "$log"; exit 1; fi
cat "$log"

step "Intents; the last text has none, and is marked"
synthctl classify "what is my checking account balance" "book me a table for two at eight tonight" \
  "how do you say thank you in italian" "my cat is afraid of thunder" --top-k 3

step "Sentiment"
synthctl --model sentiment-imdb classify "A wonderful film, the best that I have seen this year." \
  "The worst two hours of my life: a complete waste of time." \
  "The actors do what they can, but the plot is dull and far too long." \
  "I expected little, and was surprised: it is funny and it has a heart."

step "Encode"
synthctl encode --normalize "play some jazz" "put on some music" "when is my rent due"

step "The models"
synthctl model
synthctl --model sentiment-imdb model

step "What moved in the metrics (http://$http/metrics)"
curl --silent --fail "http://$http/metrics" |
  grep -E '^(grpc_server_handled_total|synth_(texts|tokens|queue_seconds_count|batch_texts_count|model_info|lanes))' | grep -v ' 0$'

if [ "$keep" = yes ]; then
  trap - EXIT
  step "Left running as process $server: kill -TERM $server stops it"
  exit 0
fi

step "Stop (SIGTERM)"
trap - EXIT
stop
code=0
wait "$server" || code=$?
tail -n 3 "$log"
printf '\nexit code %d, all done in %d s\n' "$code" $((SECONDS - start))
exit "$code"
