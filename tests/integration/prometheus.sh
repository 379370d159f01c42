#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# prometheus.sh PORTHOLE: the metrics as Prometheus itself sees them.
. "$(dirname "$0")/../support/script.sh"

porthole=$1

start "$porthole" serve --listen 127.0.0.1:0
url=$(grep -oE 'http://[0-9.]+:[0-9]+' <<<"$first_line")
served=$pid

test_promtool_finds_no_fault() {
    local status=0
    request "$url/metrics" >"$scratch/metrics"
    promtool check metrics <"$scratch/metrics" >"$scratch/faults" 2>&1 || status=$?
    same 'promtool: status' 0 "$status"
    same 'promtool: words' '' "$(cat "$scratch/faults")"
}

test_the_page_names_each_metric() {
    local name
    for name in $(sed -nE 's/^# TYPE (\S+) .*/\1/p' "$scratch/metrics"); do
        same "docs/METRICS.md: $name" 1 \
            "$(grep -c "^| \`$name\` |" "$(dirname "$0")/../../docs/METRICS.md")"
    done
}

# Starts a Prometheus that scrapes the server, on a port that the kernel gives it.
start_prometheus() {
    cat >"$scratch/prometheus.yml" <<END
global: {scrape_interval: 1s}
scrape_configs: [{job_name: porthole, static_configs: [{targets: ['${url#http://}']}]}]
END
    prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/tsdb" \
        --web.listen-address=127.0.0.1:0 --log.level=warn 2>"$scratch/prometheus.err" &
    pid=$!
    pids+=("$pid")
    local port="" deadline=$((SECONDS + 60))
    while [ -z "$port" ] && [ "$SECONDS" -lt "$deadline" ] && kill -0 "$pid"; do
        port=$(ss -Htlnp 'src 127.0.0.1' | sed -nE "s/.* 127\.0\.0\.1:([0-9]+) .*pid=$pid,.*/\1/p")
    done
    prometheus=http://127.0.0.1:$port
}

# The value of an expression, once there is one.
ask() {
    local value="" deadline=$((SECONDS + 60))
    while [ -z "$value" ] && [ "$SECONDS" -lt "$deadline" ]; do
        value=$(request --get --data-urlencode "query=$1" "$prometheus/api/v1/query" 2>&1 |
            jq -r '.data.result[0].value[1] // empty' 2>/dev/null) || true
    done
    echo "$value"
}

test_prometheus_scrapes() {
    start_prometheus
    same 'prometheus: up' 1 "$(ask 'up{job="porthole"} == 1')"
    same 'prometheus: a listener is seen' 1 \
        "$(ask 'porthole_tcp_sockets{state="listen"} > bool 0')"
    same 'prometheus: the histogram is one' 1 \
        "$(ask 'histogram_quantile(0.5, porthole_http_request_duration_seconds_bucket) > bool 0')"
    matches 'prometheus: types are known' 'counter' \
        "$(request "$prometheus/api/v1/metadata?metric=porthole_http_requests" |
            jq -r '.data[][].type')"
    kill -TERM "$pid"
    wait "$pid" || true
}

test_promtool_finds_no_fault
test_the_page_names_each_metric
test_prometheus_scrapes
pid=$served
stop TERM
same 'porthole: exit status' 0 "$exit_status"
finish
