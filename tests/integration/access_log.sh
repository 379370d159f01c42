#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# access_log.sh PORTHOLE: the log of requests, and its file renamed while the server runs.
. "$(dirname "$0")/../support/script.sh"

porthole=$1
log=$scratch/access.log

# wait_for_lines FILE COUNT: until it has so many.
wait_for_lines() {
    local deadline=$((SECONDS + 30))
    until [ -f "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ] || [ "$SECONDS" -ge "$deadline" ]; do
        kill -0 "$pid"
    done
    same "lines of $(basename "$1")" "$2" "$(wc -l <"$1")"
}

test_rotation() {
    local deadline=$((SECONDS + 30))
    start "$porthole" serve --listen 127.0.0.1:0 --access-log "$log" --access-log-format json
    url=${first_line##* }
    request --output /dev/null "${url}healthz"
    wait_for_lines "$log" 1
    mv "$log" "$log.1"
    kill -USR1 "$pid"
    until [ -f "$log" ] || [ "$SECONDS" -ge "$deadline" ]; do
        kill -0 "$pid"
    done
    request --output /dev/null "${url}nothing"
    wait_for_lines "$log" 1
    stop TERM
    same 'status' 0 "$exit_status"
    same 'old' '["GET","/healthz",200]' "$(jq -c '[.method, .target, .status]' "$log.1")"
    same 'new' '["/nothing",404]' "$(jq -c '[.target, .status]' "$log")"
    same 'no complaint' '' "$(cat "$scratch/stderr")"
}

test_full_disk() {
    start "$porthole" serve --listen 127.0.0.1:0 --access-log /dev/full
    same 'served' 200 "$(request --output /dev/null --write-out '%{http_code}' \
        "${first_line##* }healthz")"
    stop TERM
    matches 'told of' '1 lines of the access log could not be written' "$(cat "$scratch/stderr")"
}

test_wrong_arguments() {
    refused 'format' 'want combined or json' "$porthole" serve --access-log-format xml
    refused 'folder' 'cannot write the access log /no/such/: ' "$porthole" serve \
        --listen 127.0.0.1:0 --access-log /no/such/
}

test_rotation
test_full_disk
test_wrong_arguments
finish
