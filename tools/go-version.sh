#!/bin/sh
# Says plainly when Go is missing or too old to fetch the one that go.mod names.
set -eu
if ! command -v go >/dev/null 2>&1; then
	echo "Go is not installed. Daftar needs Go 1.26, or 1.21 and newer, which fetches 1.26 by itself." >&2
	exit 1
fi
have=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9][0-9]*\).*/\1/p')
if [ -z "$have" ] || [ "$have" -lt 21 ]; then
	echo "This Go is too old ($(go version)). Daftar needs Go 1.26, or 1.21 and newer, which fetches 1.26 by itself." >&2
	exit 1
fi
