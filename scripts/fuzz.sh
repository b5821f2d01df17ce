#!/usr/bin/env bash
# Builds the fuzzers (tests/fuzz) with clang's sanitizers and runs each over its corpus and over what libFuzzer makes of it.
#   scripts/fuzz.sh [SECONDS [NAME...]]  SECONDS for each fuzzer, 30 if not given; only those named, all if none is
# Fails if one finds something or runs nothing. Inputs with which one failed are in build/fuzz/findings,
# those that reach new code in build/fuzz/corpus, where the next run goes on from them.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
names=" ${*:2} "

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzzers
mkdir -p build/fuzz/findings build/fuzz/logs

ran=0
failed=()
while read -r name program; do
  [ "$names" = '  ' ] || [[ $names == *" $name "* ]] || continue
  ran=$((ran + 1))
  corpus=tests/fuzz/corpus/$name
  log=build/fuzz/logs/$name.log
  mkdir -p "build/fuzz/corpus/$name"
  begin=$SECONDS
  code=0
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$name-" "build/fuzz/corpus/$name" "$corpus" >"$log" 2>&1 </dev/null || code=$?
  took=$((SECONDS - begin))
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-16s %10d executions in %d s\n' "$name" "${runs:-0}" "$took"
  if [ "$code" -ne 0 ] || [ "${runs:-0}" -eq 0 ]; then
    failed+=("$name")
    printf '%s failed with exit code %d; the end of %s:\n' "$name" "$code" "$log"
    tail -n 40 "$log"
  fi
done <build/fuzz/fuzzers.txt

if [ "$ran" -eq 0 ]; then
  echo "no fuzzer is called$names" >&2
  exit 1
fi
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
