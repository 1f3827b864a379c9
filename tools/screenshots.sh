#!/bin/sh
# Picks the README's pictures from those that the journey left.
set -eu
cd "$(dirname "$0")/.."
from=.cache/screenshots
mkdir -p docs/screenshots
cp "$from"/journey-rosa-en/*-home-registered-320.png docs/screenshots/home-en.png
cp "$from"/journey-rosa-ar/*-record-320.png docs/screenshots/record-ar.png
cp "$from"/journey-rosa-en/*-offer-320.png docs/screenshots/offer-en.png
cp "$from"/journey-intake-en/*-case-1280.png docs/screenshots/case-en.png
