#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# config.sh PORTHOLE: options of serve from a file.
. "$(dirname "$0")/../support/script.sh"

porthole=$1
file=$scratch/porthole.json

# wrong WHAT REGEX: what stands in the file is refused so, with its name.
wrong() {
    refused "$1" "^porthole: $file: $2" "$porthole" serve --config "$file"
}

test_all_kinds() {
    cat >"$file" <<END
{
    "listen": ["127.0.0.1:0", "unix:$scratch/socket"],
    "workers": 3,
    "allow_host": "status.example",
    "access-log": "$scratch/access.log",
    "access-log-format": "json",
    "public": false,
    "probe": true
}
END
    start "$porthole" serve --config "$file"
    url=${first_line##* }
    same 'workers' 3 "$(request "${url}api/v1/server" | jq '.workers | length')"
    same 'unix socket' '"ok"' "$(request --unix-socket "$scratch/socket" http://localhost/healthz |
        jq .status)"
    same 'host' 200 "$(request --output /dev/null --write-out '%{http_code}' \
        --header 'Host: status.example' "${url}api/v1/server")"
    same 'another host' 421 "$(request --output /dev/null --write-out '%{http_code}' \
        --header 'Host: evil.example' "${url}api/v1/server")"
    same 'probe' 1 "$(request "${url}api/v1" | jq '[.. | strings | select(. == "/api/v1/probe")] |
        unique | length')"
    stop TERM
    same 'status' 0 "$exit_status"
    same 'log' '"/api/v1/server"' "$(head -n 1 "$scratch/access.log" | jq .target)"
}

# Also those that may come several times.
test_command_line_wins() {
    echo '{"listen": "unix:/no/such/folder/socket", "workers": 2, "drain-delay": 0}' >"$file"
    start "$porthole" serve --config="$file" --workers 5 --listen 127.0.0.1:0
    same 'workers' 5 "$(request "${first_line##* }api/v1/server" | jq '.workers | length')"
    stop TERM
    echo '{"workers": 7}' >"$file"
    start "$porthole" serve --listen=127.0.0.1:0 --config "$file"
    same 'workers of the file' 7 "$(request "${first_line##* }api/v1/server" | jq '.workers | length')"
    stop TERM
    echo '{}' >"$file"
    start "$porthole" serve --listen=127.0.0.1:0 --config "$file"
    stop TERM
    same 'empty' 0 "$exit_status"
}

test_wrong_files() {
    refused 'missing' '^porthole: /no/such: cannot read it: No such file' "$porthole" serve \
        --config /no/such
    refused 'folder' "^porthole: $scratch: cannot read it: Is a directory" "$porthole" serve \
        --config "$scratch"
    refused 'nothing' "option '--config' wants a value" "$porthole" serve --config
    printf '' >"$file"
    wrong 'empty' 'malformed JSON at line 1, column 1: the text ends where a value should stand$'
    printf '{\n  "workers": 2,\n  "listen" "a"\n}' >"$file"
    wrong 'syntax' 'malformed JSON at line 3, column 12: a colon should stand here$'
    printf '{"workers": 2} more' >"$file"
    wrong 'more behind it' 'malformed JSON at line 1, column 16: the text goes on behind its value$'
    printf '{"www": "/a\\u0000b"}' >"$file"
    wrong 'escaped NUL' 'a text has a NUL in it'
    printf '{"workers": 2}\0' >"$file"
    wrong 'NUL' 'malformed JSON at line 1, column 15: the text goes on behind its value$'
    head -c 1100000 /dev/zero | tr '\0' ' ' >"$file"
    wrong 'long' 'it is longer than 1048576 bytes$'
    printf '[%.0s' {1..5000} >"$file"
    wrong 'deep' 'malformed JSON at line 1, column 33: arrays and objects are nested deeper'
    echo '["workers"]' >"$file"
    wrong 'no object' 'want one JSON object'
}

test_wrong_values() {
    echo '{"worker": 2}' >"$file"
    wrong 'unknown' "unknown option \"worker\"; see 'porthole help serve'$"
    echo '{"config": "another"}' >"$file"
    wrong 'itself' 'unknown option "config"'
    echo '{"allow-host": "a", "allow_host": "b"}' >"$file"
    wrong 'twice' '"allow-host" comes more than once$'
    local value
    for value in '"2"' 2.5 true null '[2]' 1e300; do
        echo "{\"workers\": $value}" >"$file"
        wrong "workers $value" '"workers" wants a whole number$'
    done
    echo '{"workers": 1000}' >"$file"
    wrong 'out of range' "option '--workers': '1000' is not accepted; want a whole number from 1 to"
    for value in 1 '"yes"' null; do
        echo "{\"public\": $value}" >"$file"
        wrong "public $value" '"public" wants true or false$'
    done
    for value in 1 false '["a"]' '{}'; do
        echo "{\"www\": $value}" >"$file"
        wrong "www $value" '"www" wants a text$'
    done
    for value in 1 '["127.0.0.1:0", 2]' '{"a": "b"}'; do
        echo "{\"listen\": $value}" >"$file"
        wrong "listen $value" '"listen" wants a text, or a list of texts$'
    done
}

test_all_kinds
test_command_line_wins
test_wrong_files
test_wrong_values
finish
