#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# syscalls.sh ECHO: counts the system calls that a worker makes for keep-alive requests that come
# one after the other: one wait, one read, one write each. Exit status 77 without strace, or where
# tracing is not allowed.
. "$(dirname "$0")/../support/script.sh"

echo=$1
requests=500
beyond=40 # for the thread's beginning and end, and the connection's

if ! strace -o "$scratch/probe" true 2>"$scratch/probe.err"; then
    echo "not possible here: $(cat "$scratch/probe.err")"
    exit 77
fi

# asked CURL-ARGUMENT...: has all requests answered over one connection, and sets calls to what the
# busiest thread of the server did, one line a call.
asked() {
    start strace -f -o "$scratch/trace" "$echo" --listen 127.0.0.1:0 --workers 1
    local url=${first_line#listening on }
    local child
    child=$(pgrep -P "$pid")
    pids+=("$child")
    request -o "$scratch/bodies" -w '%{num_connects} %{http_code}\n' "$@" \
        "${url%/}/$path?[1-$requests]" >"$scratch/codes"
    same "$path: every request is answered over one connection" \
        "1x 1 200 $((requests - 1))x 0 200" \
        "$(sort -r "$scratch/codes" | uniq -c | awk '{ print $1 "x", $2, $3 }' | xargs)"
    kill -TERM "$child"
    wait "$pid"
    local worker
    worker=$(awk '$2 ~ /^recvfrom/ { print $1 }' "$scratch/trace" | sort | uniq -c | sort -rn |
        awk 'NR == 1 { print $2 }')
    # A call that another thread's interrupts stands there twice, the second time as "resumed".
    awk -v worker="$worker" '
        $1 == worker && $2 ~ /^[a-z]/ { sub(/\(.*/, "", $2); print $2 }' \
        "$scratch/trace" >"$scratch/calls"
}

at_most_three_each() {
    local count
    count=$(wc -l <"$scratch/calls")
    printf '%s: %d requests, %d system calls:\n' "$path" "$requests" "$count"
    sort "$scratch/calls" | uniq -c | sort -rn
    same "$path: at least the reads and writes are seen" yes \
        "$([ "$count" -ge $((2 * requests)) ] && echo yes)"
    same "$path: at most three calls a request" yes \
        "$([ "$count" -le $((3 * requests + beyond)) ] && echo yes)"
}

path=hello
asked
at_most_three_each

path=echo
asked --data-binary 'a small body'
at_most_three_each
finish
