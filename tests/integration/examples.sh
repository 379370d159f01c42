#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# examples.sh HELLO ECHO SUPERLOOP OWN_LOOP FILES UPLOAD FIRMWARE CHAT: runs the examples and talks to
# them with curl, as their readers will. "-" stands for one that was not built.
. "$(dirname "$0")/../support/script.sh"

hello=$1
echo=$2
superloop=$3
own_loop=$4
files=$5
upload=$6
firmware=$7
chat=$8

# ---- hello: one route, no words ----

# It does not say when it listens; the kernel does.
hello_url() {
    local port="" deadline=$((SECONDS + 30))
    while [ -z "$port" ]; do
        if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 "$pid"; then
            return 1
        fi
        port=$(ss -Htlnp 'src 127.0.0.1' | sed -nE "s/.* 127\.0\.0\.1:([0-9]+) .*pid=$pid,.*/\1/p")
    done
    echo "http://127.0.0.1:$port"
}

test_hello_answers_json() {
    local url
    "$hello" 127.0.0.1:0 2>"$scratch/hello.err" &
    pid=$!
    pids+=("$pid")
    url=$(hello_url)
    same 'hello: body' '{"hello":"world"}' "$(request "$url/hello")"
    same 'hello: status and type' '200 application/json' \
        "$(request -o "$scratch/body" -w '%{http_code} %{content_type}' "$url/hello")"
    same 'hello: silent' '' "$(cat "$scratch/hello.err")"
    refused 'hello: port in use' '^hello: 127\.0\.0\.1:[0-9]+: Address already in use$' \
        "$hello" "${url#http://}"
    kill -TERM "$pid"
    wait "$pid" || true
}

test_hello_over_a_unix_socket() {
    "$hello" "unix:$scratch/hello.sock" &
    pid=$!
    pids+=("$pid")
    same 'hello: over a unix socket' '{"hello":"world"}' \
        "$(request --retry 30 --retry-all-errors --retry-delay 1 \
            --unix-socket "$scratch/hello.sock" http://localhost/hello 2>/dev/null)"
    kill -TERM "$pid"
    wait "$pid" || true
    refused 'hello: no address' '^hello: nonsense: malformed listen address' "$hello" nonsense
}

# ---- echo: requests of every kind ----

# status FORMAT CURL-ARGUMENT...: what curl writes of a reply; its body goes to $scratch/body,
# its head to $scratch/head.
status() {
    local format=$1
    shift
    request -o "$scratch/body" -D "$scratch/head" -w "$format" "$@"
}

field() {
    tr -d '\r' <"$scratch/head" | sed -nE "s/^$1: *//Ip" | paste -sd '|'
}

test_echo_gives_the_body_back() {
    same 'text: body' 'grüße' "$(request --data-binary 'grüße' -H 'Content-Type: text/x-a' "$url/echo")"
    same 'text: type' '200 text/x-a' "$(status '%{http_code} %{content_type}' --data-binary 'x' \
        -H 'Content-Type: text/x-a' "$url/echo")"
    same 'no type' '200 application/octet-stream' "$(status '%{http_code} %{content_type}' \
        --data-binary 'x' -H 'Content-Type:' "$url/echo")"
    same 'empty body' '200 0' "$(status '%{http_code} %{size_download}' -X POST "$url/echo")"

    head -c 700000 /dev/urandom >"$scratch/binary"
    same 'binary: status' 200 "$(status '%{http_code}' --data-binary "@$scratch/binary" -H 'Expect:' \
        "$url/echo")"
    same_file 'binary: body' "$scratch/binary" "$scratch/body"
    same 'chunked: status' 200 "$(status '%{http_code}' -H 'Transfer-Encoding: chunked' -H 'Expect:' \
        --data-binary "@$scratch/binary" "$url/echo")"
    same_file 'chunked: body' "$scratch/binary" "$scratch/body"
    same 'chunked: the reply has a length' 700000 "$(field content-length)"
}

test_echo_confirms_an_expectation() {
    same 'expect: status' 200 "$(status '%{http_code}' -H 'Expect: 100-continue' \
        --data-binary "@$scratch/binary" "$url/echo")"
    same_file 'expect: body' "$scratch/binary" "$scratch/body"
    matches 'expect: continue' '^HTTP/1\.1 100 Continue' "$(head -n 1 "$scratch/head")"
    head -c 2000000 /dev/zero >"$scratch/large"
    same 'expect, too large: refused before it is sent' '413 0' "$(status \
        '%{http_code} %{size_upload}' -H 'Expect: 100-continue' --data-binary "@$scratch/large" \
        "$url/echo")"
}

test_echo_keeps_to_its_routes() {
    same 'get' '200 application/json 18' \
        "$(status '%{http_code} %{content_type} %{size_download}' "$url/hello")"
    matches 'get: dated' '^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$' \
        "$(field date)"
    same 'head' '200 0' "$(status '%{http_code} %{size_download}' --head "$url/hello")"
    same 'head: same length' 18 "$(field content-length)"
    same 'options' 204 "$(status '%{http_code}' -X OPTIONS "$url/hello")"
    same 'options: methods' 'GET HEAD OPTIONS' "$(field allow | tr -d ' ' | tr ',' '\n' | sort | xargs)"
    same 'wrong method' '405 application/problem+json' \
        "$(status '%{http_code} %{content_type}' "$url/echo")"
    same 'wrong method: methods' 'OPTIONS POST' "$(field allow | tr -d ' ' | tr ',' '\n' | sort | xargs)"
    same 'unknown path' '404 application/problem+json' \
        "$(status '%{http_code} %{content_type}' "$url/hell")"
    same 'unknown path: document' '404 true' \
        "$(jq -r '"\(.status) \(.title == "Not Found")"' "$scratch/body")"
    same 'longer path' 404 "$(status '%{http_code}' "$url/hello/")"
}

test_echo_reuses_connections() {
    same 'three requests, one connection' '1 0 0 ' \
        "$(request -o "$scratch/body" -o "$scratch/body" -o "$scratch/body" -w '%{num_connects} ' \
            "$url/hello" "$url/nothing" "$url/hello")"
    same 'a client that says close' '1 1 ' "$(request -o "$scratch/body" -o "$scratch/body" \
        -H 'Connection: close' -w '%{num_connects} ' "$url/hello" "$url/hello")"
    same 'HTTP/1.0: status' '200 1' "$(status '%{http_code} %{num_connects}' --http1.0 "$url/hello")"
    same 'HTTP/1.0: body' '{"hello":"world"}' "$(cat "$scratch/body")"
    same 'HTTP/1.0: closed' '1 1 ' "$(request -o "$scratch/body" -o "$scratch/body" --http1.0 \
        -w '%{num_connects} ' "$url/hello" "$url/hello")"
    same 'many at once' '300 200' "$(request --parallel --parallel-max 20 -o "$scratch/many" \
        -w '%{http_code}\n' "$url/hello?[1-300]" | sort | uniq -c | xargs)"
}

test_echo_with_defaults() {
    start "$echo" --listen 127.0.0.1:0
    matches 'echo: says where' '^listening on http://127\.0\.0\.1:[0-9]+/$' "$first_line"
    url=${first_line#listening on }
    url=${url%/}
    test_echo_gives_the_body_back
    test_echo_confirms_an_expectation
    test_echo_keeps_to_its_routes
    test_echo_reuses_connections
    refused 'echo: port in use' "^echo: cannot listen on ${url#http://}: Address already in use$" \
        "$echo" --listen "${url#http://}"
    stop TERM
    same 'echo: status after SIGTERM' 0 "$exit_status"
    same 'echo: nothing on standard error' '' "$(cat "$scratch/stderr")"
}

# ---- echo: options ----

test_echo_obeys_its_limits() {
    start "$echo" --listen 127.0.0.1:0 --workers 1 --max-body 1000 --timeout 1
    url=${first_line#listening on }
    url=${url%/}
    head -c 1000 /dev/urandom >"$scratch/fits"
    head -c 1001 /dev/urandom >"$scratch/exceeds"
    same 'largest body' 200 "$(status '%{http_code}' --data-binary "@$scratch/fits" "$url/echo")"
    same_file 'largest body: body' "$scratch/fits" "$scratch/body"
    same 'body too large' '413 application/problem+json' "$(status '%{http_code} %{content_type}' \
        --data-binary "@$scratch/exceeds" "$url/echo")"
    same 'body too large, chunked' 413 "$(status '%{http_code}' -H 'Transfer-Encoding: chunked' \
        --data-binary "@$scratch/exceeds" "$url/echo")"
    same 'the next one' 200 "$(status '%{http_code}' "$url/hello")"

    # Half a head, and then nothing: the server speaks first.
    local port=${url##*:} client line=
    exec {client}<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /hello HTTP/1.1\r\nHost: a\r\n' >&"$client"
    IFS= read -r -t 30 line <&"$client" || true
    exec {client}>&-
    same 'slow head' $'HTTP/1.1 408 Request Timeout\r' "$line"

    # A client that keeps its connection open does not keep the server from ending.
    exec {client}<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /hello HTTP/1.1\r\nHost: a\r\n\r\n' >&"$client"
    IFS= read -r -t 30 line <&"$client" || true
    same 'kept connection' $'HTTP/1.1 200 OK\r' "$line"
    stop INT
    exec {client}>&-
    same 'echo: status after SIGINT' 0 "$exit_status"
}

test_echo_over_a_unix_socket() {
    start "$echo" --listen "unix:$scratch/echo.sock"
    same 'unix: says where' "listening on unix:$scratch/echo.sock" "$first_line"
    same 'unix: body' 'abc' "$(request --unix-socket "$scratch/echo.sock" --data-binary abc \
        http://localhost/echo)"
    stop TERM
    same 'unix: status after SIGTERM' 0 "$exit_status"
}

test_echo_refuses_wrong_options() {
    refused 'unknown option' "unrecognized option '--nothing'" "$echo" --nothing
    refused 'no value' "option '--listen' requires an argument" "$echo" --listen
    refused 'argument' "unexpected argument 'x'" "$echo" x
    refused 'no address' 'cannot listen on nonsense: malformed' "$echo" --listen nonsense
    refused 'no port' 'cannot listen on 127.0.0.1: malformed' "$echo" --listen 127.0.0.1
    refused 'large port' 'malformed' "$echo" --listen 127.0.0.1:65536
    refused 'foreign address' 'Cannot assign requested address' "$echo" --listen 192.0.2.1:0
    local value
    for value in 0 -1 x 1x '' 257 99999999999999999999; do
        refused "workers '$value'" "--workers takes a number from 1 to 256, not '$value'" \
            "$echo" --workers "$value"
    done
    refused 'max-body' "--max-body takes a number from 1 to [0-9]+, not '1k'" "$echo" --max-body 1k
    refused 'timeout' "--timeout takes a number from 1 to 86400, not '0'" "$echo" --timeout 0
    local output
    output=$("$echo" --help)
    same 'help: status' 0 $?
    for value in --listen --workers --max-body --timeout --help; do
        matches "help: names $value" "$value" "$output"
    done
}

# ---- without threads ----

ticks() {
    request "$1/ticks" | sed -nE 's/^\{"ticks":([0-9]+)\}$/\1/p'
}

test_superloop_serves_and_does_its_own_work() {
    start "$superloop" 127.0.0.1:0
    local url=http://${first_line#listening on } before after deadline=$((SECONDS + 30))
    before=$(ticks "$url")
    after=$before
    while [ "$after" -le "$((before + 2))" ] && [ $SECONDS -lt $deadline ]; do
        after=$(ticks "$url")
    done
    matches 'superloop: its own work goes on' '^[1-9]' "$((after - before))"
    same 'superloop: one thread' 1 "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)"
    stop TERM
    same 'superloop: status after SIGTERM' 0 "$exit_status"
    refused 'superloop: no address' '^superloop: nonsense: malformed' "$superloop" nonsense
}

test_own_loop_serves_beside_its_input() {
    local url deadline=$((SECONDS + 30))
    mkfifo "$scratch/lines"
    "$own_loop" 127.0.0.1:0 <"$scratch/lines" >"$scratch/own_loop" &
    pid=$!
    pids+=("$pid")
    exec 5>"$scratch/lines"
    until grep -q listening "$scratch/own_loop" || [ $SECONDS -ge $deadline ]; do :; done
    url=http://$(sed 's/.* //' "$scratch/own_loop")
    same 'own_loop: before a line' 'nothing yet' "$(request "$url/line")"
    echo 'a line' >&5
    until [ "$(request "$url/line")" = 'a line' ] || [ $SECONDS -ge $deadline ]; do :; done
    same 'own_loop: the last line' 'a line' "$(request "$url/line")"
    same 'own_loop: one thread' 1 "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)"
    exec 5>&-
    exit_status=0
    wait "$pid" || exit_status=$?
    same 'own_loop: status at the end of its input' 0 "$exit_status"
    refused 'own_loop: no address' '^own_loop: nonsense: malformed' "$own_loop" nonsense
}

# ---- files ----

test_files_serves_a_folder() {
    local url etag
    mkdir -p "$scratch/www/sub"
    echo '<p>index' >"$scratch/www/index.html"
    echo '<p>sub' >"$scratch/www/sub/index.html"
    head -c 3000000 /dev/urandom >"$scratch/www/large"
    start "$files" "$scratch/www" 127.0.0.1:0
    url=http://${first_line#listening on }
    same 'files: index' '<p>index' "$(request "$url/")"
    same 'files: type' '200 text/html; charset=utf-8' \
        "$(status '%{http_code} %{content_type}' "$url/index.html")"
    same 'files: large' 200 "$(status '%{http_code}' "$url/large")"
    same_file 'files: large, body' "$scratch/www/large" "$scratch/body"
    etag=$(field etag)
    same 'files: unchanged' 304 "$(status '%{http_code}' -H "If-None-Match: $etag" "$url/large")"
    head -c 1000000 "$scratch/www/large" >"$scratch/resumed"
    request -C - -o "$scratch/resumed" "$url/large"
    same_file 'files: resumed' "$scratch/www/large" "$scratch/resumed"
    same 'files: redirected' '200 1' \
        "$(status '%{http_code} %{num_redirects}' -L "$url/sub")"
    same 'files: redirected, body' '<p>sub' "$(cat "$scratch/body")"
    same 'files: above the root' 400 "$(status '%{http_code}' --path-as-is "$url/../../etc/passwd")"
    same 'files: above, encoded' 400 \
        "$(status '%{http_code}' --path-as-is "$url/%2e%2e/%2e%2e/etc/passwd")"
    same 'files: no method' 405 "$(status '%{http_code}' -X PUT -d x "$url/large")"
    stop TERM
    same 'files: status after SIGTERM' 0 "$exit_status"
    refused 'files: no folder' '^files: /nowhere: No such file' "$files" /nowhere 127.0.0.1:0
}

# ---- upload ----

test_upload_writes_what_curl_sends() {
    local url file
    mkdir "$scratch/uploads"
    head -c 3000000 /dev/urandom >"$scratch/firmware.bin"
    printf 'a\r\n--b\r\n' >"$scratch/od\"d name.txt"
    start "$upload" "$scratch/uploads" 127.0.0.1:0
    url="http://${first_line##* }/upload"
    same 'upload: two files and a field' '{"files":2,"bytes":3000008}' \
        "$(request --form 'note=over the air' --form "firmware=@$scratch/firmware.bin" \
            --form "other=@\"$scratch/od\\\"d name.txt\"" "$url")"
    same 'upload: names of its own' 2 "$(ls "$scratch/uploads" | grep -c '^upload-......$')"
    for file in "$scratch/uploads"/*; do
        if [ "$(stat -c %s "$file")" -eq 8 ]; then
            same_file 'upload: small' "$scratch/od\"d name.txt" "$file"
        else
            same_file 'upload: large' "$scratch/firmware.bin" "$file"
        fi
    done
    same 'upload: no form' 415 "$(status '%{http_code}' --data x "$url")"
    same 'upload: broken' 400 "$(status '%{http_code}' --data x \
        -H 'Content-Type: multipart/form-data; boundary=b' "$url")"
    matches 'upload: broken, why' 'ends before its last boundary' "$(cat "$scratch/body")"
    stop TERM
    same 'upload: status after SIGTERM' 0 "$exit_status"
}

# ---- firmware ----

device() {
    request --header 'Authorization: Bearer secret' "$@"
}

# wait_for REGEX FILE: until it has come.
wait_for() {
    local deadline=$((SECONDS + 30))
    until grep -q "$1" "$2" || [ $SECONDS -ge $deadline ]; do :; done
    matches "firmware: $1" "$1" "$(cat "$2")"
}

test_firmware_is_a_device() {
    local url listener pressure=0 deadline=$((SECONDS + 30))
    mkdir "$scratch/device"
    head -c 3000000 /dev/urandom >"$scratch/image"
    DEVICE_TOKEN=secret start "$firmware" "$scratch/device" 127.0.0.1:0
    url="http://${first_line##* }"
    request --no-buffer "$url/log" >"$scratch/log" 2>/dev/null &
    listener=$!
    pids+=("$listener")
    same 'firmware: without the token' 401 "$(status '%{http_code}' "$url/settings")"
    same 'firmware: settings' '{"target_kpa":200,"enabled":true}' "$(device "$url/settings")"
    same 'firmware: changed' '{"target_kpa":250,"enabled":true}' \
        "$(device -X PUT --json '{"target_kpa":250}' "$url/settings")"
    wait_for 'event: settings' "$scratch/log"
    matches 'firmware: no JSON' 'line 1' "$(device -X PUT --json '{"target_kpa":}' "$url/settings")"
    for wrong in '{"enabled":false,"target_kpa":1001}' '{"enabled":0}' '{"other":1}' '[]'; do
        same "firmware: $wrong" 422 "$(device -X PUT --json "$wrong" -o /dev/null \
            -w '%{http_code}' "$url/settings")"
    done
    same 'firmware: unchanged' '{"target_kpa":250,"enabled":true}' "$(device "$url/settings")"

    same 'firmware: a stranger has an image' 401 \
        "$(status '%{http_code}' --upload-file "$scratch/image" "$url/firmware")"
    same 'firmware: an image' '{"bytes":3000000}' \
        "$(device --upload-file "$scratch/image" "$url/firmware")"
    same_file 'firmware: installed' "$scratch/image" "$scratch/device/firmware.bin"
    same 'firmware: an empty one' 400 "$(device -X PUT --data '' -o /dev/null -w '%{http_code}' \
        "$url/firmware")"
    same_file 'firmware: the old one stays' "$scratch/image" "$scratch/device/firmware.bin"
    same 'firmware: nothing left over' firmware.bin "$(ls "$scratch/device")"
    wait_for 'event: firmware' "$scratch/log"
    wait_for 'event: pressure' "$scratch/log"

    until [ "$pressure" -gt 200 ] || [ $SECONDS -ge $deadline ]; do
        pressure=$(request "$url/api/v1/server" | jq '.sections.pump.pressure_kpa | floor')
    done
    matches 'firmware: pressure' '^2[0-9][0-9]$' "$pressure"
    matches 'firmware: metric' 'pump_pressure_pascals 2[0-9]{5}' "$(request "$url/metrics")"
    same 'firmware: one thread' 1 "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)"
    stop TERM
    same 'firmware: status after SIGTERM' 0 "$exit_status"
    same 'firmware: no complaint' '' "$(cat "$scratch/stderr")"
    refused 'firmware: no arguments' '^usage: firmware' "$firmware"
    refused 'firmware: no address' '^firmware: malformed listen' "$firmware" "$scratch" nonsense
}

# ---- chat ----

# handshake: asks the chat for a WebSocket by descriptor 6 and reads to the end of the reply.
handshake() {
    local line
    printf '%s\r\n' 'GET /chat HTTP/1.1' 'Host: localhost' 'Connection: Upgrade' \
        'Upgrade: websocket' 'Sec-WebSocket-Version: 13' 'Sec-WebSocket-Protocol: lines' \
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' '' >&6
    while IFS= read -r -t 30 line <&6 && [ "$line" != $'\r' ]; do
        echo "${line%$'\r'}"
    done
}

test_chat_tells_what_is_said() {
    local url reply
    start "$chat" 127.0.0.1:0
    url=${first_line#chat on }
    matches 'chat: page' 'new WebSocket' "$(request "$url")"
    same 'chat: no WebSocket' '426 application/problem+json' \
        "$(status '%{http_code} %{content_type}' "${url}chat")"
    same 'chat: version' 13 "$(field sec-websocket-version)"
    exec 6<>"/dev/tcp/127.0.0.1/$(sed -E 's/.*:([0-9]+).*/\1/' <<<"$url")"
    reply=$(handshake)
    matches 'chat: handshake' '^HTTP/1.1 101 ' "$reply"
    matches 'chat: accept' 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=' "$reply"
    matches 'chat: subprotocol' 'Sec-WebSocket-Protocol: lines' "$reply"
    printf '\x81\x85\x00\x00\x00\x00hello' >&6 # a mask of zeros leaves it readable
    same 'chat: said' '8105 68656c6c6f' "$(head -c 7 <&6 | od -An -tx1 | tr -d ' ' | sed 's/^..../& /')"
    stop TERM
    same 'chat: Close when it stops' '880203e9' "$(head -c 4 <&6 | od -An -tx1 | tr -d ' ')"
    exec 6>&-
    same 'chat: status after SIGTERM' 0 "$exit_status"
    refused 'chat: no address' '^chat: nonsense: malformed' "$chat" nonsense
}

if [ "$firmware" != - ]; then
    test_firmware_is_a_device
fi
if [ "$chat" != - ]; then
    test_chat_tells_what_is_said
fi
test_files_serves_a_folder
test_upload_writes_what_curl_sends
test_hello_answers_json
test_superloop_serves_and_does_its_own_work
test_own_loop_serves_beside_its_input
test_hello_over_a_unix_socket
test_echo_with_defaults
test_echo_obeys_its_limits
test_echo_over_a_unix_socket
test_echo_refuses_wrong_options
finish
