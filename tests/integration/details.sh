#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# details.sh PORTHOLE: the details of sockets, as ss has them.
. "$(dirname "$0")/../support/script.sh"

porthole=$1
docs=$(dirname "$0")/../../docs/SOCKETS.md

if ! command -v ss >/dev/null; then
    echo 'skipped: there is no ss'
    exit 77
fi

# What ss says of a connection, less what moves with the clock.
ss_words() {
    ss -tieomnH state established "( sport = :$port )" | tail -n 1 | sed -E 's/ send [0-9]+bps//' | tr ' \t' '\n\n' |
        sed -n '/[a-z]/p' | sed -E '/^(last(snd|rcv|ack)|timer|ino|sk|cgroup):/d' | sort
}

# The same words made of a row. ss says how fast it may send in bits, and leaves zeros out.
row_words() {
    jq -r '
        def word(name): if . == null or . == 0 then empty else "\(name):\(.)" end;
        def rate: if . == null or . == 0 then empty else "\(. * 8)bps" end;
        def ms: if . == null then null else . / 1000 end;
        .sockets[] |
        "skmem:(r\(.receive_memory_bytes),rb\(.receive_buffer_bytes),t\(.send_memory_bytes)," +
            "tb\(.send_buffer_bytes),f\(.forward_memory_bytes),w\(.queued_memory_bytes)," +
            "o\(.option_memory_bytes),bl\(.backlog_memory_bytes),d\(.drops))",
        .congestion_control,
        (if .timestamps then "ts" else empty end), (if .sack then "sack" else empty end),
        (if .ecn then "ecn" else empty end), (if .ecn_seen then "ecnseen" else empty end),
        (if .app_limited then "app_limited" else empty end),
        "wscale:\(.send_wscale),\(.receive_wscale)",
        "rtt:\(.rtt_us | ms)/\(.rttvar_us | ms)",
        (.rto_us | ms | word("rto")), (.ato_us | ms | word("ato")),
        (.min_rtt_us | ms | word("minrtt")), (.receive_rtt_us | ms | word("rcv_rtt")),
        (.mss_bytes | word("mss")), (.pmtu_bytes | word("pmtu")),
        (.receive_mss_bytes | word("rcvmss")), (.advertised_mss_bytes | word("advmss")),
        (.cwnd | word("cwnd")), (.ssthresh | word("ssthresh")), (.backoff | word("backoff")),
        (.sent_bytes + .retransmitted_bytes | word("bytes_sent")),
        (.retransmitted_bytes | word("bytes_retrans")),
        (.acked_bytes | word("bytes_acked")), (.received_bytes | word("bytes_received")),
        (.sent_segments | word("segs_out")), (.received_segments | word("segs_in")),
        (.sent_data_segments | word("data_segs_out")),
        (.received_data_segments | word("data_segs_in")),
        (if .pacing_rate_bytes_per_second then "pacing_rate" else empty end),
        (.pacing_rate_bytes_per_second | rate),
        (if .delivery_rate_bytes_per_second then "delivery_rate" else empty end),
        (.delivery_rate_bytes_per_second | rate),
        (.delivered | word("delivered")), (.unacked | word("unacked")),
        (.delivered_ce | word("delivered_ce")), (.sacked | word("sacked")),
        (.lost | word("lost")), (.fackets | word("fackets")),
        (if .retransmissions > 0 then "retrans:\(.retransmitting)/\(.retransmissions)"
            else empty end),
        (.dsack_duplicates | word("dsack_dups")), (.reordering | word("reordering")),
        (.reorderings_seen | word("reord_seen")), (.rehashes | word("rehash")),
        (.out_of_order_segments | word("rcv_ooopack")),
        (.receive_space_bytes | word("rcv_space")),
        (.receive_ssthresh_bytes | word("rcv_ssthresh")),
        (.not_sent_bytes | word("notsent")), (.send_window_bytes | word("snd_wnd")),
        (.receive_window_bytes | word("rcv_wnd")),
        (if .busy_us >= 1000 then "busy:\(.busy_us / 1000 | floor)ms" else empty end)' "$scratch/row"
}

# Every word of ss, but the rate that it computes with fractions, stands among ours.
test_as_ss_has_them() {
    local word url port
    start "$porthole" serve --listen 127.0.0.1:0
    url=${first_line##* }
    port=${url##*:}
    port=${port%/}
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' >&9
    read -r -u 9 word
    until request "${url}api/v1/connections" | jq -e '[.connections[].state] | index("idle")' \
        >/dev/null; do :; done
    "$porthole" sockets --details --json state established "sport = :$port" >"$scratch/row"
    same 'one connection' 1 "$(jq .matched "$scratch/row")"
    row_words | sort >"$scratch/ours"
    ss_words >"$scratch/theirs"
    same 'ss says something' true "$([ "$(wc -l <"$scratch/theirs")" -gt 20 ] && echo true)"
    while read -r word; do
        same "ss: $word" "$word" "$(grep -Fx -- "$word" "$scratch/ours" || true)"
    done < <(comm -23 "$scratch/theirs" "$scratch/ours" | grep -v '^bbr:')
    same 'send rate' true "$(jq --argjson theirs "$(grep -o 'send [0-9]*' \
        <(ss -tinH state established "( sport = :$port )") | cut -d' ' -f2)" \
        '(.sockets[0].send_rate_bytes_per_second * 8 - $theirs | fabs) < 16' "$scratch/row")"
    exec 9<&-
    stop TERM
}

# On the terminal they stand in one line, in CSV in columns.
test_formats() {
    local name
    matches 'text' 'DETAILS$' "$("$porthole" sockets --details | head -n 1)"
    "$porthole" sockets --json >"$scratch/plain"
    "$porthole" sockets --details --json >"$scratch/detailed"
    same 'not unasked' null "$(jq '.sockets[0].rtt_us' "$scratch/plain")"
    jq -r --slurpfile plain "$scratch/plain" \
        '(.sockets[0] | keys_unsorted) - ($plain[0].sockets[0] | keys) | .[]' \
        "$scratch/detailed" >"$scratch/names"
    while read -r name; do
        same "docs/SOCKETS.md: $name" 1 "$(grep -c "^| \`$name\` |" "$docs")"
    done <"$scratch/names"
    same 'docs/SOCKETS.md: no others' "$(wc -l <"$scratch/names")" \
        "$(sed -n '/^## Details/,$p' "$docs" | grep -c '^| `')"
    same 'csv' "id,rtt_us" \
        "$("$porthole" sockets --format csv --fields id,rtt_us | head -n 1 | tr -d '\r')"
}

test_wrong_arguments() {
    refused 'ports have none' 'no parameter "details"' "$porthole" ports --details
    refused 'field' 'and what details=true adds' "$porthole" sockets --fields nope
}

test_as_ss_has_them
test_formats
test_wrong_arguments
finish
