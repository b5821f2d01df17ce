#!/usr/bin/env bash
# Makes .venv: Debian's Python packages, and the few pinned ones that Debian lacks. Prints its python's path.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=.venv/requirements.txt
if ! cmp -s train/requirements.txt "$stamp"; then
  /usr/bin/python3 -m venv --clear --system-site-packages .venv >&2
  .venv/bin/pip install --quiet --disable-pip-version-check --requirement train/requirements.txt >&2
  cp train/requirements.txt "$stamp"
fi
echo "$PWD/.venv/bin/python"
