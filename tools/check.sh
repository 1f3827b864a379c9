#!/bin/sh
# The checks beside the tests. Each says what is wrong and how to mend it.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.cache/node/node_modules/node/bin:$PATH"
failed=0
wrong() { echo "$1" >&2; failed=1; }

unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || wrong "not formatted (run gofmt -w): $unformatted"

go vet ./... || wrong "go vet found something"
bin/staticcheck ./... || wrong "staticcheck found something"
go mod verify >/dev/null || wrong "a module is not what go.sum says"
go mod tidy -diff >/dev/null || wrong "go.mod is not tidy (run go mod tidy)"

# Generated files are committed; making them again must change nothing.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git ls-files '*_templ.go' | while read -r f; do mkdir -p "$scratch/before/$(dirname "$f")" && cp "$f" "$scratch/before/$f"; done
bin/templ generate >/dev/null 2>&1 || wrong "templ generate failed"
git ls-files '*_templ.go' | while read -r f; do cmp -s "$f" "$scratch/before/$f" || echo "$f"; done >"$scratch/changed"
[ ! -s "$scratch/changed" ] || wrong "templates were changed and not generated (run make generate): $(cat "$scratch/changed")"
node tools/assets/build.mjs "$scratch/static" >/dev/null || wrong "the assets cannot be built"
for f in "$scratch"/static/*; do
	cmp -s "$f" "static/$(basename "$f")" || wrong "static/$(basename "$f") is not what make assets builds"
done

go run ./registry/cases/diagram | cmp -s - docs/case-states.md || wrong "docs/case-states.md is out of date (go run ./registry/cases/diagram > docs/case-states.md)"

(cd tools && go build -o ../bin/notices ./notices)
cp THIRD_PARTY_NOTICES.md "$scratch/notices"
bin/notices || wrong "the notices cannot be written"
cmp -s THIRD_PARTY_NOTICES.md "$scratch/notices" || wrong "THIRD_PARTY_NOTICES.md was out of date and has been written again (make notices)"

[ $failed = 0 ] || exit 1
echo "checks passed: gofmt, vet, staticcheck, modules, templates, assets, diagram, notices"
