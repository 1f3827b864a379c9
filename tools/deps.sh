#!/bin/sh
# Installs what is missing, with apt (as root or through sudo) or brew:
#   tools/deps.sh run    PostgreSQL's binaries
#   tools/deps.sh test   those, Chromium, fonts, Node.js 20 or newer, the npm packages of the lockfiles,
#                        poppler's tools, and ClamAV's daemon and SoftHSM where they can be had
# What is there already is left alone.
set -eu
cd "$(dirname "$0")/.."
pinned_node=22.22.0
cache=${DAFTAR_CACHE:-$PWD/.cache}

say() { printf '%s\n' "$*" >&2; }

give_up() {
	say "$1 is missing and could not be installed. Ways out:"
	shift
	for way in "$@"; do say "  - $way"; done
	exit 1
}

apt_updated=
# install PACKAGES: through apt or brew; fails when neither can.
install() {
	if command -v apt-get >/dev/null 2>&1; then
		as_root=
		if [ "$(id -u)" != 0 ]; then
			command -v sudo >/dev/null 2>&1 || return 1
			as_root=sudo
		fi
		if [ -z "$apt_updated" ]; then
			$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2 || return 1
			apt_updated=yes
		fi
		say "installing $*"
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >&2
	elif command -v brew >/dev/null 2>&1; then
		brew install "$@" >&2
	else
		return 1
	fi
}

major() { "$1" --version 2>/dev/null | sed -n 's/[^0-9]*\([0-9][0-9]*\).*/\1/p' | head -n 1; }

# have_postgres: the same places that db/localpg looks in.
have_postgres() {
	for dir in "${PG_BINDIR:-/nonexistent}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
		/opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin "$(dirname "$(command -v postgres || echo /nonexistent/x)")"; do
		[ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && [ "$(major "$dir/postgres")" -ge 15 ] && return 0
	done
	return 1
}

postgres() {
	have_postgres && return 0
	if command -v brew >/dev/null 2>&1; then install postgresql@17 || true; else install postgresql || true; fi
	have_postgres || give_up "PostgreSQL 15 or newer" \
		"install PostgreSQL's server package (15 or newer) and run this again; PG_BINDIR names an unusual place" \
		"set DAFTAR_DATABASE_URL to a database you already run (docs/deployment.md)" \
		"on Ubuntu 22.04, whose own is 14, add PostgreSQL's package archive first"
}

have_chromium() {
	for name in "${CHROME_PATH:-}" chromium chromium-browser google-chrome; do
		[ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && return 0
	done
	return 1
}

browser() {
	have_chromium || install chromium || true
	have_chromium || give_up "Chromium" "install Chromium or Chrome" "set CHROME_PATH to one you have"
	# Arabic text needs a font to have a width.
	if command -v fc-list >/dev/null 2>&1 && [ -z "$(fc-list :lang=ar 2>/dev/null)" ]; then install fonts-noto-core || true; fi
}

# A hardware module in software, and the tool that speaks to it: without them the
# test of keys that are kept outside is left out.
hardware() {
	command -v softhsm2-util >/dev/null 2>&1 && command -v pkcs11-tool >/dev/null 2>&1 && return 0
	if command -v brew >/dev/null 2>&1; then install softhsm opensc || true; else install softhsm2 opensc || true; fi
	command -v softhsm2-util >/dev/null 2>&1 || say "no SoftHSM: the test of keys in a hardware module is left out"
}

# What reads PDFs back, and what scans uploads. Without the scanner its tests are
# left out; no signatures are fetched, the tests bring their own.
readers() {
	command -v pdftotext >/dev/null 2>&1 || install poppler-utils || brew install poppler >&2 || true
	command -v pdftotext >/dev/null 2>&1 || give_up "pdftotext" "install poppler-utils (Debian) or poppler (Homebrew)"
	for name in clamd /usr/sbin/clamd /usr/local/sbin/clamd /opt/homebrew/sbin/clamd; do
		command -v "$name" >/dev/null 2>&1 && return 0
	done
	if command -v brew >/dev/null 2>&1; then install clamav || true; else install clamav-daemon || true; fi
	command -v clamd >/dev/null 2>&1 || [ -x /usr/sbin/clamd ] || say "no clamd: the tests of the scanner are left out"
}

node_ok() { command -v node >/dev/null 2>&1 && [ "$(major node)" -ge 20 ]; }

node_js() {
	[ -x "$cache/node/node_modules/node/bin/node" ] && PATH="$cache/node/node_modules/node/bin:$PATH" && export PATH
	if node_ok && command -v npm >/dev/null 2>&1; then return 0; fi
	command -v npm >/dev/null 2>&1 || install nodejs npm || give_up "Node.js" "install Node.js 20 or newer with npm"
	node_ok && return 0
	say "this system's Node.js is older than 20: taking $pinned_node from npm into .cache/"
	mkdir -p "$cache/node"
	(cd "$cache/node" && npm install --silent --no-audit --no-fund --no-save "node@$pinned_node" >&2)
	PATH="$cache/node/node_modules/node/bin:$PATH"
	export PATH
	node_ok || give_up "Node.js 20" "install Node.js 20 or newer with npm"
}

# packages DIR: what the lockfile says, once per lockfile.
packages() {
	stamp="$1/node_modules/.daftar-lock"
	if [ ! -f "$stamp" ] || ! cmp -s "$1/package-lock.json" "$stamp"; then
		say "fetching the npm packages of $1"
		(cd "$1" && npm ci --silent --ignore-scripts --no-audit --no-fund >&2)
		cp "$1/package-lock.json" "$stamp"
	fi
}

# A database that somebody already runs is enough to run Daftar; tests want their own.
if [ "${1:-run}" = test ] || [ -z "${DAFTAR_DATABASE_URL:-}" ]; then postgres; fi
if [ "${1:-run}" = test ]; then
	browser
	readers
	hardware
	node_js
	packages e2e/node
	packages tools/assets
fi
