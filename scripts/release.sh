#!/usr/bin/env bash
# Makes the annotated tag of a release, vX.Y.Z, and pushes nothing.
#   scripts/release.sh          checks, then tags HEAD
#   scripts/release.sh --check  checks only
# The checks: nothing is uncommitted, the versions of CMakeLists.txt, the Dockerfile and the first
# release in CHANGELOG.md are the same, that release has a date and entries, nothing stands above
# it under Unreleased, and the tag is new.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "release.sh: $*" >&2
  exit 1
}

case "${1:-}" in
  '') tagging=yes ;;
  --check) tagging=no ;;
  *) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

version=$(sed -nE 's/^project\(synthserve VERSION ([0-9]+\.[0-9]+\.[0-9]+)[ )].*/\1/p' CMakeLists.txt)
[ -n "$version" ] || fail "CMakeLists.txt: expected project(synthserve VERSION X.Y.Z ...), found none"
image=$(sed -n 's/^ARG VERSION=//p' Dockerfile)
[ "$image" = "$version" ] || fail "Dockerfile: expected ARG VERSION=$version as in CMakeLists.txt, found '$image'"

heading=$(grep -m 1 -E '^## \[?[0-9]' CHANGELOG.md) || fail "CHANGELOG.md: expected a heading '## $version - YYYY-MM-DD', found no release"
[[ $heading =~ ^##\ \[?([0-9.]+)\]?\ -\ (.+)$ ]] || fail "CHANGELOG.md: expected '## $version - YYYY-MM-DD', found '$heading'"
[ "${BASH_REMATCH[1]}" = "$version" ] || fail "CHANGELOG.md: expected $version as in CMakeLists.txt, found '$heading'"
day=${BASH_REMATCH[2]}
if ! [[ $day =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || ! date --date "$day" >/dev/null 2>&1; then
  fail "CHANGELOG.md: expected the day of the release, YYYY-MM-DD, found '$day'"
fi

# Prints the lines below the first heading that is $1, up to the next release.
section() {
  awk -v heading="$1" '$0 == heading { inside = 1; next } /^## / { inside = 0 } inside' CHANGELOG.md
}
left=$(grep -E -m 1 -i '^## \[?unreleased' CHANGELOG.md || true)
if [ -n "$left" ] && section "$left" | grep -q '^[-*] '; then
  fail "CHANGELOG.md: expected no entries under '$left', found $(section "$left" | grep -c '^[-*] ')"
fi
notes=$(section "$heading")
grep -q '^[-*] ' <<<"$notes" || fail "CHANGELOG.md: expected entries under '$heading', found none"

changes=$(git status --porcelain)
[ -z "$changes" ] || fail "expected a clean tree, found changes:"$'\n'"$changes"
tag=v$version
! git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null ||
  fail "expected a new version, found the tag $tag at $(git rev-parse --short "$tag^{commit}")"

if [ "$tagging" = no ]; then
  echo "$tag can be tagged at $(git rev-parse --short HEAD)"
  exit 0
fi
# The headings of the notes begin with #, which git would take for comments.
git tag --annotate --cleanup=whitespace --message "synthserve $version" --message "$notes" "$tag"
echo "$tag is tagged at $(git rev-parse --short HEAD). To publish it: git push REMOTE $tag"
