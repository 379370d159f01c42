# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# HTTPS, beside nginx with the same OpenSSL, certificate and cipher. The load client of the other
# benchmarks has no TLS: wrk is the client here.

start_tls_nginx() {
    local listen
    listen=$(free_port)
    cat >"$scratch/nginx-tls.conf" <<END
daemon off;
pid $scratch/nginx-tls.pid;
error_log $scratch/nginx-tls.log;
worker_processes 1;
events { worker_connections 16384; }
http {
    $(nginx_http)
    server {
        listen 127.0.0.1:$listen ssl backlog=4096;
        ssl_certificate $scratch/tls.pem;
        ssl_certificate_key $scratch/tls.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        location = /1k { default_type text/plain; return 200 '$(printf 'x%.0s' {1..1000})'; }
    }
}
END
    start_packaged nginx "$listen" nginx -c "$scratch/nginx-tls.conf" -e "$scratch/nginx-tls.log"
    measure_children nginx 1
}

# ticks NAME: the processor time of a server so far, in clock ticks.
ticks() {
    local pids=${measured[$1]//--pid/}
    # shellcheck disable=SC2086 # several pids
    for one in $pids; do
        sed 's/.*) //' "/proc/$one/stat"
    done | awk '{ sum += $12 + $13 } END { print sum }'
}

# wrk_once NAME CONNECTIONS [HEADER]: a line with rps= and server_us=, the processor time a request;
# all replies being right.
wrk_once() {
    local out=$scratch/wrk.out before
    before=$(ticks "$1")
    taskset -c "$client_cpu" wrk --threads 1 --connections "$2" --duration "${seconds}s" \
        ${3:+--header "$3"} "https://127.0.0.1:${port[$1]}/1k" >"$out" || fail "wrk: $(cat "$out")"
    ! grep -E 'Non-2xx|Socket errors' "$out" || fail "$1 did not answer all requests"
    awk -v ticks=$(($(ticks "$1") - before)) -v hz="$(getconf CLK_TCK)" '
        / requests in / { requests = $1 }
        $1 == "Requests/sec:" {
            printf "rps=%s server_us=%.2f\n", $2, ticks / hz * 1e6 / requests
        }' "$out"
}

# compare_tls WHAT CONNECTIONS [HEADER]: in turn, round by round.
compare_tls() {
    local name round file=$scratch/tls-$1
    for name in porthole nginx; do
        wrk_once "$name" "$2" "${3:-}" >/dev/null # warm
        : >"$file.$name"
    done
    for ((round = 0; round < rounds; round++)); do
        for name in porthole nginx; do
            wrk_once "$name" "$2" "${3:-}" >>"$file.$name"
        done
    done
    for name in porthole nginx; do
        note "$name: $(column "$file.$name" rps | quantiles |
            awk '{ printf "%.0f (%.0f, %.0f) requests/s", $1, $2, $3 }'), $(column "$file.$name" \
            server_us | median) us of processor time each"
    done
    target 'requests/s beside nginx' \
        "$(ratios "$file.porthole" "$file.nginx" rps | median)" '>=' 1
    target 'CPU a request beside nginx' \
        "$(ratios "$file.porthole" "$file.nginx" server_us | median)" '<=' 1
}

bench_tls() {
    have wrk && have nginx && have openssl || return 0
    if ! [ -x "$bench/serve_tls" ]; then
        note 'skipped: built without TLS'
        return 0
    fi
    chmod 755 "$scratch"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 \
        -subj /CN=localhost -keyout "$scratch/tls.key" -out "$scratch/tls.pem" 2>/dev/null
    start_program porthole "$bench/serve_tls" 1 "$scratch/tls.pem" "$scratch/tls.key"
    start_tls_nginx
    heading tls '1 KB by TLS 1.3, 64 keep-alive connections, one worker'
    compare_tls keep-alive 64
    heading tls 'a new TLS connection for each request, 16 at a time'
    compare_tls handshakes 16 'Connection: close'
    end "${pid[porthole]}"
    end "${pid[nginx]}"
}
