#!/usr/bin/env bash
# Attacks a release server of its own on loopback ports and prints what became of other callers; 1 if a limit is broken.
#   scripts/attack.sh [--short] [--list] [--server PROGRAM] [ATTACK...]
# The server is build/release/server/synthserve if no other is named. --short is what CI runs.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/python-env.sh)
exec "$python" tests/attack/run.py "$@"
