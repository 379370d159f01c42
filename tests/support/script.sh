# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For tests that are scripts: starting and stopping a program, comparing, a summary. A check that
# fails is reported with what was expected, and the others still run.
set -euo pipefail

scratch=$(mktemp -d)
checks=0
failures=0
pids=()

# Nothing outlives the test, whatever happens.
clean_up() {
    local pid
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap clean_up EXIT

# same WHAT EXPECTED ACTUAL
same() {
    checks=$((checks + 1))
    if [ "$2" != "$3" ]; then
        failures=$((failures + 1))
        printf 'FAILED: %s\n  expected: %q\n  got:      %q\n' "$1" "$2" "$3"
    fi
}

# matches WHAT REGEX ACTUAL
matches() {
    checks=$((checks + 1))
    if ! [[ $3 =~ $2 ]]; then
        failures=$((failures + 1))
        printf 'FAILED: %s\n  expected to match: %s\n  got: %q\n' "$1" "$2" "$3"
    fi
}

# same_file WHAT EXPECTED ACTUAL
same_file() {
    checks=$((checks + 1))
    if ! cmp "$2" "$3"; then
        failures=$((failures + 1))
        printf 'FAILED: %s\n' "$1"
    fi
}

# start PROGRAM ARGUMENT...: starts it, waits for its first line, and sets pid and first_line.
start() {
    local out
    exec {out}< <(exec "$@" 2>"$scratch/stderr")
    pid=$!
    pids+=("$pid")
    first_line=
    if ! IFS= read -r -t 30 first_line <&"$out"; then
        printf 'FAILED: %s says nothing: %s\n' "$*" "$(cat "$scratch/stderr")"
        exit 1
    fi
    exec {out}<&-
}

# stop SIGNAL: sends it to the program that start began, and sets exit_status.
stop() {
    kill -"$1" "$pid"
    exit_status=0
    wait "$pid" || exit_status=$?
}

# refused WHAT REGEX PROGRAM ARGUMENT...: it ends with status 2 and one line on standard error.
refused() {
    local what=$1 regex=$2 status=0 output
    shift 2
    "$@" >"$scratch/refused.out" 2>"$scratch/refused.err" </dev/null || status=$?
    output=$(cat "$scratch/refused.err")
    same "$what: status" 2 "$status"
    matches "$what: message" "$regex" "$output"
    same "$what: lines" 1 "$(wc -l <"$scratch/refused.err")"
    same "$what: nothing on standard output" '' "$(cat "$scratch/refused.out")"
}

# A curl that knows no proxy and no settings of the user's.
request() {
    curl --disable --silent --show-error --no-progress-meter --noproxy '*' --max-time 60 "$@"
}

finish() {
    if [ "$failures" -gt 0 ] || [ "$checks" -eq 0 ]; then
        printf '%d of %d checks failed\n' "$failures" "$checks"
        exit 1
    fi
    printf '%d checks passed\n' "$checks"
}
