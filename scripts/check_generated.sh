#!/usr/bin/env bash
# Writes the generated pages, vectors and message classes again and fails when one of them changes.
# Compares with a copy rather than with the last commit, so that it also works outside a checkout.
set -euo pipefail

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT

folders="docs vectors src/lodeline/engine/abci"

for folder in $folders; do
    mkdir -p "$before/$folder"
    if [ -d "$folder" ]; then cp -a "$folder/." "$before/$folder/"; fi
done

make --no-print-directory vectors docs
.venv/bin/python scripts/make_abci.py

for folder in $folders; do
    if [ -d "$folder" ]; then
        diff -r --exclude=__pycache__ "$before/$folder" "$folder"
    fi
done
