#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# watch.sh PORTHOLE: changes on the terminal.
. "$(dirname "$0")/../support/script.sh"

porthole=$1

# wait_for REGEX: until it stands in what the watch has printed.
wait_for() {
    local deadline=$((SECONDS + 60))
    until grep -qE "$1" "$scratch/watched" || [ "$SECONDS" -ge "$deadline" ]; do
        kill -0 "$watching"
    done
    matches "told: $1" "$1" "$(cat "$scratch/watched")"
}

# watch ARGUMENT...: starts a watch, and a server once it has looked: with a summary.
watch() {
    : >"$scratch/watched" # what the watch before has said must not be taken for this one's
    "$porthole" watch "$@" >"$scratch/watched" 2>"$scratch/err" &
    watching=$!
    pids+=("$watching")
    wait_for 'sockets'
    start "$porthole" serve --listen 127.0.0.1:0
}

end_watch() {
    stop TERM
    kill -KILL "$watching"
    wait "$watching" 2>/dev/null || true
    same 'no complaint' '' "$(cat "$scratch/err")"
}

test_text() {
    watch --summaries
    wait_for "opened tcp 127\.0\.0\.1:[0-9]+ by process $pid \(porthole\)"
    end_watch
}

test_json() {
    watch --json --types port_opened,summary
    wait_for "\"type\":\"port_opened\".*\"pid\":$pid,\"command\":\"porthole\""
    end_watch
    same 'json: only what was asked for' $'port_opened\nsummary' \
        "$(jq -r .type "$scratch/watched" | sort -u)"
}

test_wrong_arguments() {
    refused 'type' "'nonsense' is no type of event" "$porthole" watch --types nonsense
    refused 'argument' 'unexpected argument|unknown' "$porthole" watch now
}

test_text
test_json
test_wrong_arguments
finish
