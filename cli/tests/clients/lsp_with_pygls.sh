#!/usr/bin/env bash
# Somebody else's client speaks to `ctr lsp`: lsp_with_pygls.sh PATH-OF-CTR
# Skipped, and said so, where pygls cannot be had.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
ctr="$(realpath "${1:?name the binary}")"
venv="$(mktemp -d)"
trap 'rm -rf "$venv"' EXIT
if ! python3 -m venv "$venv" >/dev/null 2>&1 ||
    ! "$venv/bin/pip" install --quiet 'pygls==2.1.1' >/dev/null 2>&1; then
    echo "SKIPPED: Python 3 with pygls 2.1.1 is not to be had here"
    exit 0
fi
"$venv/bin/python" "$here/lsp_with_pygls.py" "$ctr"
