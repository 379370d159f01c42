/* SPDX-License-Identifier: MIT
 *
 * The reply that every server of the benchmarks gives, so that they differ in the work and not in
 * the bytes; and the port numbers and modes that their command lines share.
 */
#ifndef BENCH_REPLY_H
#define BENCH_REPLY_H

#include <stddef.h>

#define BENCH_BODY                                                                               \
    "{\"service\":\"thermostat\",\"room\":\"kitchen\",\"temperature_c\":20.5,\"target_c\":21.0," \
    "\"heating\":true,\"battery_percent\":87,\"uptime_s\":1234567,\"version\":\"4.2\"}\n"

#define BENCH_TYPE "application/json"

enum { BENCH_BODY_SIZE = sizeof BENCH_BODY - 1 };

_Static_assert(BENCH_BODY_SIZE == 150, "the tables say 150 bytes");

#endif
