/* SPDX-License-Identifier: MIT
 *
 * What one message of sock_diag(7) tells beyond the row. Only bytes in, values out: no descriptors.
 */
#ifndef PORTHOLE_SOCKETS_DETAIL_H
#define PORTHOLE_SOCKETS_DETAIL_H

#include <porthole/details.h>

#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PH__TCP_INFO_MAX = 256, PH__DETAIL_WORD = 16 };

/* Kept as the kernel wrote it, since most of it is never looked at. */
struct ph__detail {
    const char *cgroup; /* filled in by details.c; NULL unknown */
    char congestion_control[PH__DETAIL_WORD];
    char ulp[PH__DETAIL_WORD];
    uint32_t memory[SK_MEMINFO_DROPS]; /* where has_memory */
    uint32_t bbr[5];                   /* struct tcp_bbr_info; where has_bbr */
    bool has_memory;
    bool has_bbr;
    int16_t tos; /* -1 unknown; here and below */
    int16_t tclass;
    int16_t shutdown;   /* 1 receive, 2 send */
    uint16_t info_size; /* bytes that this kernel fills of the last member */
    _Alignas(8) unsigned char info[PH__TCP_INFO_MAX]; /* struct tcp_info */
};

/* Reads the attributes of a message that ph__table_parse() took. */
void ph__detail_parse(const struct ph_socket *socket, const unsigned char *payload, size_t size,
                      struct ph__detail *ret_detail);

/* The same without what is unused at the end. */
size_t ph__detail_size(const struct ph__detail *detail);

/* Values, as ph_details_number() and ph_details_text() give them. `detail` may be NULL. */
int64_t ph__detail_number(const struct ph__detail *detail, const struct ph_socket *socket,
                          enum ph_detail which);
const char *ph__detail_text(const struct ph__detail *detail, enum ph_detail which);

#endif
