#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# install.sh BUILD SOURCE: installs what was built into a folder of its own, and builds hello.c
# against the installed copy as strangers do, with find_package() and with pkg-config.
. "$(dirname "$0")/../support/script.sh"

build=$1
source=$2
prefix=$scratch/prefix

cmake --install "$build" --prefix "$prefix" >"$scratch/install.log"

# What a program built so answers.
answer() {
    local port="" deadline=$((SECONDS + 30))
    "$1" 127.0.0.1:0 &
    pid=$!
    pids+=("$pid")
    while [ -z "$port" ] && [ $SECONDS -lt $deadline ]; do
        port=$(ss -Htlnp 'src 127.0.0.1' | sed -nE "s/.* 127\.0\.0\.1:([0-9]+) .*pid=$pid,.*/\1/p")
    done
    request "http://127.0.0.1:$port/hello"
    kill -TERM "$pid"
    wait "$pid" || true
}

test_files() {
    local file
    for file in bin/porthole include/porthole/porthole.h include/porthole/server.h \
        share/man/man1/porthole.1 share/man/man3/libporthole.3; do
        same "installed: $file" yes "$([ -e "$prefix/$file" ] && echo yes)"
    done
    # Every public header is there.
    same 'installed: headers' "$(cd "$source/include/porthole" && ls)" \
        "$(cd "$prefix/include/porthole" && ls)"
    matches 'the installed program runs' '^porthole [0-9]+\.[0-9]+\.[0-9]+$' \
        "$("$prefix/bin/porthole" --version)"
}

test_find_package() {
    mkdir "$scratch/outside"
    cp "$source/examples/hello.c" "$source/examples/https.c" "$source/examples/chat.c" \
        "$scratch/outside/"
    cat >"$scratch/outside/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(outside C)
find_package(porthole 0.1 REQUIRED)
add_executable(hello hello.c)
target_link_libraries(hello PRIVATE porthole::porthole)
if(TARGET porthole::tls)
    add_executable(https https.c)
    target_link_libraries(https PRIVATE porthole::tls)
endif()
if(TARGET porthole::websocket)
    add_executable(chat chat.c)
    target_link_libraries(chat PRIVATE porthole::websocket)
endif()
END
    cmake -S "$scratch/outside" -B "$scratch/outside/build" -DCMAKE_PREFIX_PATH="$prefix" \
        >"$scratch/log" 2>&1 && cmake --build "$scratch/outside/build" >>"$scratch/log" 2>&1 ||
        cat "$scratch/log"
    same 'find_package: hello answers' '{"hello":"world"}' \
        "$(answer "$scratch/outside/build/hello")"
}

test_pkg_config() {
    local flags
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name porthole.pc)")
    export PKG_CONFIG_PATH
    flags=$(pkg-config --cflags --libs porthole)
    # shellcheck disable=SC2086 # several flags
    cc "$source/examples/hello.c" -o "$scratch/hello" $flags
    same 'pkg-config: hello answers' '{"hello":"world"}' "$(answer "$scratch/hello")"
    # Who does without TLS does without OpenSSL.
    same 'pkg-config: hello loads no OpenSSL' '' "$(ldd "$scratch/hello" | grep -E 'ssl|crypto')"
    flags=$(pkg-config --cflags --libs porthole-tls)
    # shellcheck disable=SC2086
    cc "$source/examples/https.c" -o "$scratch/https" $flags
    same 'pkg-config: https runs' 2 "$("$scratch/https" 2>"$scratch/log" || echo $?)"
    same 'pkg-config: hello loads no wslay' '' "$(ldd "$scratch/hello" | grep wslay)"
    flags=$(pkg-config --cflags --libs porthole-websocket)
    # shellcheck disable=SC2086
    cc "$source/examples/chat.c" -o "$scratch/chat" $flags
    same 'pkg-config: chat runs' 2 "$("$scratch/chat" nonsense 2>"$scratch/log" || echo $?)"
}

test_files
test_find_package
test_pkg_config
finish
