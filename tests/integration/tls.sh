#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tls.sh PORTHOLE EXAMPLE: serve by HTTPS, as curl sees it, and a certificate renewed meanwhile.
. "$(dirname "$0")/../support/script.sh"

porthole=$1
example=$2

# certificate NAME: NAME.pem and NAME.key for localhost.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj "/CN=$1" \
        -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -keyout "$scratch/$1.key" -out "$scratch/$1.pem" 2>"$scratch/openssl.err"
}

# use NAME: what the server reads from now on.
use() {
    cp "$scratch/$1.pem" "$scratch/current.pem"
    cp "$scratch/$1.key" "$scratch/current.key"
}

# status NAME TARGET [ARGUMENT...]: what curl gets that trusts NAME only.
status() {
    local name=$1 target=$2
    shift 2
    request --cacert "$scratch/$name.pem" --output /dev/null --write-out '%{http_code}' "$@" \
        "$url$target" 2>"$scratch/curl.err" || true
}

# wait_for_line TEXT: until the server has said so.
wait_for_line() {
    local deadline=$((SECONDS + 30))
    until grep -q "$1" "$scratch/stderr" || [ "$SECONDS" -ge "$deadline" ]; do
        kill -0 "$pid"
    done
    matches "says: $1" "$1" "$(cat "$scratch/stderr")"
}

test_serve() {
    certificate first
    certificate second
    use first
    start "$porthole" serve --listen 127.0.0.1:0 --tls-cert "$scratch/current.pem" \
        --tls-key "$scratch/current.key"
    url=${first_line##* }
    matches 'address' '^https://127\.0\.0\.1:[0-9]+/$' "$url"
    same 'trusted' 200 "$(status first healthz)"
    same 'TLS 1.2' 200 "$(status first healthz --tls-max 1.2)"
    same 'page' 200 "$(status first '')"
    same 'not trusted' 000 "$(status second healthz)"
    same 'no HTTP/2' 1.1 "$(request --cacert "$scratch/first.pem" --http2 --output /dev/null \
        --write-out '%{http_version}' "${url}healthz")"
    port=${url##*:}
    same 'itself among the ports' true "$(request --cacert "$scratch/first.pem" \
        "${url}api/v1/ports" | jq --argjson port "${port%/}" 'any(.ports[]; .port == $port)')"
    same 'plain' 400 "$(request --output /dev/null --write-out '%{http_code}' \
        "http${url#https}healthz")"
    use second
    kill -HUP "$pid"
    wait_for_line 'have been read again'
    same 'renewed' 200 "$(status second healthz)"
    echo nonsense >"$scratch/current.pem"
    kill -HUP "$pid"
    wait_for_line 'the old certificate stays in use: cannot use the certificate .*current\.pem'
    same 'still' 200 "$(status second healthz)"
    stop TERM
    same 'status' 0 "$exit_status"
}

test_client_certificates() {
    certificate authority
    use first
    # Whoever has a certificate may come in from elsewhere without a token.
    start "$porthole" serve --listen 0.0.0.0:0 --tls-cert "$scratch/current.pem" \
        --tls-key "$scratch/current.key" --tls-client-ca "$scratch/authority.pem"
    url="https://127.0.0.1:${first_line##*:}"
    same 'without' 000 "$(status first healthz)"
    same 'with' 200 "$(status first healthz --cert "$scratch/authority.pem" \
        --key "$scratch/authority.key")"
    stop TERM
}

test_example() {
    local port="" deadline=$((SECONDS + 30))
    "$example" "$scratch/first.pem" "$scratch/first.key" 127.0.0.1:0 &
    pid=$!
    pids+=("$pid")
    while [ -z "$port" ] && [ "$SECONDS" -lt "$deadline" ]; do
        port=$(ss -Htlnp 'src 127.0.0.1' | sed -nE "s/.* 127\.0\.0\.1:([0-9]+) .*pid=$pid,.*/\1/p")
    done
    same 'example' TLSv1.3 "$(request --cacert "$scratch/first.pem" \
        "https://localhost:$port/hello" | jq -r .tls)"
    kill -TERM "$pid"
    wait "$pid" || true
}

test_wrong_arguments() {
    refused 'key alone' 'needs both --tls-cert FILE and --tls-key FILE' "$porthole" serve \
        --tls-key "$scratch/first.key"
    refused 'missing' 'cannot use the certificate /no/such: No such file or directory' \
        "$porthole" serve --tls-cert /no/such --tls-key "$scratch/first.key"
    refused 'other key' 'cannot use the key .*second\.key: key values mismatch' "$porthole" serve \
        --tls-cert "$scratch/first.pem" --tls-key "$scratch/second.key"
    openssl ec -in "$scratch/first.key" -aes128 -passout pass:secret -out "$scratch/locked.key" \
        2>"$scratch/openssl.err"
    refused 'passphrase' 'cannot use the key .*locked\.key: ' "$porthole" serve \
        --tls-cert "$scratch/first.pem" --tls-key "$scratch/locked.key"
}

test_serve
test_client_certificates
test_example
test_wrong_arguments
finish
