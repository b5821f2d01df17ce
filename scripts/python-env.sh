#!/usr/bin/env bash
# Makes a virtual environment: Debian's Python packages, and the few pinned ones that Debian lacks. Prints its python's path.
#   scripts/python-env.sh        .venv, for train/ and the tests
#   scripts/python-env.sh bench  .venv-bench, for tests/bench
#   scripts/python-env.sh lint   .venv-lint, for scripts/format.sh and scripts/style.sh
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  '') folder=.venv requirements=train/requirements.txt ;;
  bench) folder=.venv-bench requirements=tests/bench/requirements.txt ;;
  lint) folder=.venv-lint requirements=scripts/requirements.txt ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
stamp=$folder/requirements.txt
if ! cmp -s "$requirements" "$stamp"; then
  /usr/bin/python3 -m venv --clear --system-site-packages "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
  cp "$requirements" "$stamp"
fi
echo "$PWD/$folder/bin/python"
