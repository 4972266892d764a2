#!/usr/bin/env bash
# Writes the generated pages and vectors again and fails when one of them changes.
# Compares with a copy rather than with the last commit, so that it also works outside a checkout.
set -euo pipefail

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT

for folder in docs vectors; do
    if [ -d "$folder" ]; then cp -a "$folder" "$before/"; fi
done

make --no-print-directory vectors docs

for folder in docs vectors; do
    if [ -d "$folder" ]; then
        mkdir -p "$before/$folder"
        diff -r --exclude=__pycache__ "$before/$folder" "$folder"
    fi
done
