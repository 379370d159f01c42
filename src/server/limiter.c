/* SPDX-License-Identifier: MIT
 *
 * How often one address may ask. For each there is one number, the time at which it will have all
 * its burst again: a request puts it off by one interval, and is refused if that would be further
 * away than a whole burst takes. Addresses stand in a table of sets of a few places each; where a
 * set is full, the one that will be done soonest makes room, so that memory is bounded.
 */
#include "base/clock.h"
#include "http/request.h"

#include <porthole/guard.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { WAYS = 8, ADDRESSES_DEFAULT = 8192, ADDRESSES_MOST = 1 << 24, BURST_MOST = 1 << 20 };

#define RATE_MOST 1e6

struct place {
    uint64_t address[2]; /* both 0: free */
    uint64_t full_us;    /* CLOCK_MONOTONIC */
};

struct ph_limiter {
    uint64_t interval_us; /* between requests in the long run */
    uint64_t burst_us;    /* what a whole burst takes */
    uint64_t seed;        /* so that nobody can choose addresses of one set */
    size_t sets;
    pthread_mutex_t lock; /* of the places */
    struct place places[];
};

int ph_limiter_new_sized(struct ph_limiter **ret_limiter, const struct ph_limiter_config *cfg,
                         size_t cfg_size)
{
    struct ph_limiter_config known = {0};
    memcpy(&known, cfg, cfg_size < sizeof known ? cfg_size : sizeof known);
    unsigned burst = known.burst ? known.burst : 1;
    unsigned addresses = known.addresses_max ? known.addresses_max : ADDRESSES_DEFAULT;
    if (!(known.per_second >= 1e-6 && known.per_second <= RATE_MOST) || burst > BURST_MOST ||
        addresses > ADDRESSES_MOST) {
        return -EINVAL;
    }
    size_t sets = (addresses + WAYS - 1) / WAYS;
    struct ph_limiter *limiter =
        calloc(1, sizeof *limiter + sets * WAYS * sizeof limiter->places[0]);
    if (!limiter) {
        return -ENOMEM;
    }
    if (getrandom(&limiter->seed, sizeof limiter->seed, GRND_NONBLOCK) !=
        (ssize_t)sizeof limiter->seed) {
        limiter->seed = ph__clock_us(); /* early after the start of the machine */
    }
    limiter->interval_us = (uint64_t)(1e6 / known.per_second);
    limiter->burst_us = limiter->interval_us * burst;
    limiter->sets = sets;
    pthread_mutex_init(&limiter->lock, NULL);
    *ret_limiter = limiter;
    return 0;
}

void ph_limiter_free(struct ph_limiter *limiter)
{
    if (limiter) {
        pthread_mutex_destroy(&limiter->lock);
        free(limiter);
    }
}

/* False for a peer that does not count. */
static bool address_of(const struct ph__sockaddr *peer, uint64_t address[2])
{
    unsigned char bytes[16] = {0};
    if (peer->family == AF_INET) {
        memcpy(bytes, peer->bytes, 4);
        bytes[15] = 4; /* never that of a /64 */
    } else if (peer->family == AF_INET6) {
        static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
        bool is_mapped = memcmp(peer->bytes, mapped, sizeof mapped) == 0;
        memcpy(bytes, is_mapped ? peer->bytes + 12 : peer->bytes, is_mapped ? 4 : 8);
        bytes[15] = is_mapped ? 4 : 6;
    } else {
        return false;
    }
    memcpy(address, bytes, sizeof bytes);
    return true;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ value >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    return value ^ value >> 32;
}

/* The address's place, or the one that it gets. */
static struct place *find_place(struct ph_limiter *limiter, const uint64_t address[2])
{
    uint64_t hash = mix(mix(address[0] ^ limiter->seed) ^ address[1]);
    struct place *set = &limiter->places[hash % limiter->sets * WAYS];
    struct place *soonest = set;
    for (struct place *place = set; place < set + WAYS; place++) {
        if (place->address[0] == address[0] && place->address[1] == address[1]) {
            return place;
        }
        if (place->full_us < soonest->full_us) {
            soonest = place;
        }
    }
    *soonest = (struct place){.address = {address[0], address[1]}};
    return soonest;
}

/* Returns 0, or after how many microseconds another try will do. */
static uint64_t take(struct ph_limiter *limiter, const uint64_t address[2], uint64_t now_us)
{
    pthread_mutex_lock(&limiter->lock);
    struct place *place = find_place(limiter, address);
    uint64_t from_us = place->full_us > now_us ? place->full_us : now_us;
    uint64_t full_us = from_us + limiter->interval_us;
    uint64_t latest_us = now_us + limiter->burst_us;
    if (full_us <= latest_us) {
        place->full_us = full_us;
    }
    pthread_mutex_unlock(&limiter->lock);
    return full_us <= latest_us ? 0 : full_us - latest_us;
}

int ph_guard_rate(struct ph_request *req, struct ph_response *res, void *user)
{
    uint64_t address[2];
    uint64_t wait_us = address_of(&req->peer, address) ? take(user, address, ph__clock_us()) : 0;
    if (wait_us == 0) {
        return 0;
    }
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)((wait_us + 999999) / 1000000));
    int err = ph_response_header(res, "Retry-After", seconds);
    return err < 0 ? err
                   : ph_reply_problem(res, 429,
                                      "too many requests from this address; %s s later "
                                      "there is room for one",
                                      seconds);
}
