# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the checks share. Each is called as CHECK [ROOT], works in ROOT (by default this
# repository), prints FILE:LINE: MESSAGE for each fault and ends with status 1 if there was one.
set -euo pipefail

lint_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$lint_dir/../..}"

# files FIND-ARGUMENT...: the files of the repository, one a line.
files() {
    find . \( -name .git -o -name build -o -name node_modules \) -prune -o -type f \( "$@" \) \
        -print | sed 's|^\./||' | LC_ALL=C sort
}

# files_in FOLDER... : the C files below those of the folders that exist.
files_in() {
    local folder found=()
    for folder in "$@"; do
        [ ! -d "$folder" ] || found+=("$folder")
    done
    if [ ${#found[@]} -gt 0 ]; then
        find "${found[@]}" -type f \( -name '*.c' -o -name '*.h' \) | LC_ALL=C sort
    fi
}

# strip FILE...: code without comments, as FILE:LINE: CODE.
strip() {
    if [ $# -gt 0 ]; then
        awk -f "$lint_dir/strip.awk" "$@"
    fi
}

# The public headers without comments, and the names of the functions that they declare.
public_code() {
    local headers
    mapfile -t headers < <(files_in include)
    strip "${headers[@]}" | sed -E 's/^[^:]+:[0-9]+: //'
}

public_functions() {
    public_code | tr '\n' ' ' | grep -oE 'PH_API [^;(]*\bph_[a-z0-9_]+\(' |
        grep -oE 'ph_[a-z0-9_]+\($' | tr -d '(' | sort -u
}

faults=0

# report: passes faults on from standard input and remembers that there were some.
report() {
    local line
    while IFS= read -r line; do
        printf '%s\n' "$line"
        faults=1
    done
}

finish() {
    exit "$faults"
}
