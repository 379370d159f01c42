/* SPDX-License-Identifier: MIT
 *
 * Taking a snapshot is wrapped, so that the tests decide when one ends, and waiting on a
 * condition too, so that they see who waits.
 */
#include "sockets/snapshot.h"

#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_bool gated;  /* a snapshot waits for `gate` before it is taken */
static sem_t entered;      /* a snapshot has begun, and stands at the gate */
static sem_t gate;         /* lets one go on */
static sem_t waiting;      /* somebody waits for another's snapshot */
static atomic_uint taken;  /* snapshots that began */
static atomic_int failure; /* what they return, 0: they are taken */
static atomic_uint narrow; /* those of them that were to have a filter's sockets only */
int __real_ph__snapshot_take(struct ph_snapshot **ret_snapshot, const struct ph_sockets_config *cfg,
                             const struct ph__snapshot_wish *wish);
int __wrap_ph__snapshot_take(struct ph_snapshot **ret_snapshot, const struct ph_sockets_config *cfg,
                             const struct ph__snapshot_wish *wish);
int __wrap_ph__snapshot_take(struct ph_snapshot **ret_snapshot, const struct ph_sockets_config *cfg,
                             const struct ph__snapshot_wish *wish)
{
    atomic_fetch_add(&taken, 1);
    atomic_fetch_add(&narrow, wish->tcp || wish->udp);
    if (atomic_load(&gated)) {
        sem_post(&entered);
        sem_wait(&gate);
    }
    int err = atomic_load(&failure);
    return err < 0 ? err : __real_ph__snapshot_take(ret_snapshot, cfg, wish);
}

int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    sem_post(&waiting); /* the mutex is held until the wait has begun */
    return __real_pthread_cond_wait(condition, mutex);
}

/* The thread that gives large snapshots back waits as long as the test wants, by its clock. */
static atomic_bool stepping;
static atomic_ullong skipped_us;
static sem_t tidying; /* it waits */
static sem_t go_on;
static sem_t tidied; /* it is about to end */

uint64_t __real_ph__clock_us(void);
uint64_t __wrap_ph__clock_us(void);
uint64_t __wrap_ph__clock_us(void)
{
    return __real_ph__clock_us() + atomic_load(&skipped_us);
}

int __real_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
    if (!atomic_load(&stepping)) {
        return __real_pthread_cond_timedwait(condition, mutex, until);
    }
    pthread_mutex_unlock(mutex);
    sem_post(&tidying);
    sem_wait(&go_on);
    pthread_mutex_lock(mutex);
    return ETIMEDOUT;
}

struct ph__holders __real_ph__tally_take_holders(struct ph__tally *tally);
struct ph__holders __wrap_ph__tally_take_holders(struct ph__tally *tally);
struct ph__holders __wrap_ph__tally_take_holders(struct ph__tally *tally)
{
    sem_post(&tidied);
    return __real_ph__tally_take_holders(tally);
}

/* One who asks, on a thread of its own. */
struct asker {
    pthread_t thread;
    struct ph_sockets *sockets;
    unsigned protocols;
    unsigned max_age_ms;
    const struct ph_filter *filter; /* NULL: all */
    int err;
    struct ph_snapshot *snapshot;
};

static void *ask(void *user)
{
    struct asker *asker = user;
    if (asker->filter) {
        asker->err = ph_sockets_snapshot_matching(asker->sockets, asker->filter, asker->protocols,
                                                  true, asker->max_age_ms, &asker->snapshot);
        return NULL;
    }
    asker->err = ph_sockets_snapshot_of(asker->sockets, asker->protocols, asker->max_age_ms,
                                        &asker->snapshot);
    return NULL;
}

static void start_for(struct asker *asker, struct ph_sockets *sockets, unsigned protocols,
                      unsigned max_age_ms)
{
    *asker = (struct asker){.sockets = sockets, .protocols = protocols, .max_age_ms = max_age_ms};
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static void start(struct asker *asker, struct ph_sockets *sockets, unsigned max_age_ms)
{
    start_for(asker, sockets, PH_PROTOCOLS_ALL, max_age_ms);
}

static void finish(struct asker *asker)
{
    assert_int_equal(pthread_join(asker->thread, NULL), 0);
}

struct fixture {
    struct proc_root root;
    struct ph_sockets *sockets;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    proc_root_make(&fixture.root);
    proc_root_write(&fixture.root, "net/tcp", TCP_HEADING);
    struct ph_sockets_config cfg = {.proc_root = fixture.root.path, .procfs_only = true};
    assert_int_equal(ph_sockets_new(&fixture.sockets, &cfg), 0);
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 0);
    sem_init(&waiting, 0, 0);
    atomic_store(&gated, false);
    atomic_store(&taken, 0);
    atomic_store(&narrow, 0);
    atomic_store(&failure, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ph_sockets_free(fixture->sockets);
    proc_root_remove(&fixture->root);
    return 0;
}

static struct ph_snapshot *ask_here(struct fixture *fixture, unsigned max_age_ms)
{
    struct ph_snapshot *snapshot = NULL;
    assert_int_equal(ph_sockets_snapshot(fixture->sockets, max_age_ms, &snapshot), 0);
    return snapshot;
}

static void test_new_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    struct ph_sockets *sockets = NULL;
    for (int i = 0; i < 2; i++) {
        fail_allocations(i, false);
        assert_int_equal(ph_sockets_new(&sockets, NULL), -ENOMEM);
        assert_true(stop_failing());
        assert_null(sockets);
    }
    ph_sockets_free(NULL);
}

static void test_snapshot_when_age_is_zero_then_always_a_new_one(void **state)
{
    struct ph_snapshot *first = ask_here(*state, 0);
    struct ph_snapshot *second = ask_here(*state, 0);
    assert_ptr_not_equal(first, second);
    assert_int_equal(atomic_load(&taken), 2);
    ph_snapshot_unref(first);
    ph_snapshot_unref(second);
}

static void test_snapshot_when_young_enough_then_the_same(void **state)
{
    struct ph_snapshot *first = ask_here(*state, 60000);
    struct ph_snapshot *second = ask_here(*state, 60000);
    assert_ptr_equal(first, second);
    assert_int_equal(atomic_load(&taken), 1);
    assert_true(ph_snapshot_age_ms(first) < 60000);
    assert_true(ph_snapshot_taken_unix_ms(first) > UINT64_C(1500000000000));
    ph_snapshot_unref(first);
    ph_snapshot_unref(second);
}

static void test_snapshot_when_too_old_then_a_new_one(void **state)
{
    struct ph_snapshot *first = ask_here(*state, 1);
    while (ph_snapshot_age_ms(first) < 2) {
    }
    struct ph_snapshot *second = ask_here(*state, 1);
    assert_ptr_not_equal(first, second);
    ph_snapshot_unref(first);
    ph_snapshot_unref(second);
}

/* A begins to take a snapshot. B and C come while it runs and want a new one: it began before
 * they asked, so it does not count, and the two share the one that comes next. D is content with
 * what A gets. */
static void test_snapshot_when_one_is_under_way_then_shared_by_rule(void **state)
{
    struct fixture *fixture = *state;
    struct asker a;
    struct asker b;
    struct asker c;
    struct asker d;
    atomic_store(&gated, true);
    start(&a, fixture->sockets, 0);
    sem_wait(&entered);
    start(&b, fixture->sockets, 0);
    sem_wait(&waiting);
    start(&c, fixture->sockets, 0);
    sem_wait(&waiting);
    start(&d, fixture->sockets, 60000);
    sem_wait(&waiting);
    assert_int_equal(atomic_load(&taken), 1);
    sem_post(&gate); /* A's is done; B or C takes the next, and stands at the gate */
    sem_wait(&entered);
    finish(&a);
    finish(&d);
    assert_ptr_equal(a.snapshot, d.snapshot);
    sem_post(&gate);
    finish(&b);
    finish(&c);
    assert_ptr_equal(b.snapshot, c.snapshot);
    assert_ptr_not_equal(a.snapshot, b.snapshot);
    assert_int_equal(atomic_load(&taken), 2);
    struct asker *all[] = {&a, &b, &c, &d};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(all[i]->err, 0);
        ph_snapshot_unref(all[i]->snapshot);
    }
}

/* B waits for A's snapshot, which fails. It began before B asked, so B's own attempt decides; C
 * shares that one and its failure. */
static void test_snapshot_when_shared_one_fails_then_all_hear_of_it(void **state)
{
    struct fixture *fixture = *state;
    struct asker a;
    struct asker b;
    struct asker c;
    atomic_store(&gated, true);
    atomic_store(&failure, -EMFILE);
    start(&a, fixture->sockets, 0);
    sem_wait(&entered);
    start(&b, fixture->sockets, 0);
    sem_wait(&waiting);
    start(&c, fixture->sockets, 0);
    sem_wait(&waiting);
    sem_post(&gate);
    sem_wait(&entered);
    finish(&a);
    sem_post(&gate);
    finish(&b);
    finish(&c);
    assert_int_equal(a.err, -EMFILE);
    assert_int_equal(b.err, -EMFILE);
    assert_int_equal(c.err, -EMFILE);
    assert_int_equal(atomic_load(&taken), 2);

    atomic_store(&gated, false);
    atomic_store(&failure, 0);
    ph_snapshot_unref(ask_here(fixture, 0)); /* a later call tries again */
}

/* What a reader on another thread read, and then let go of, is written anew by the next snapshot.
 * The flag orders nothing by itself: ThreadSanitizer sees whether the count of references does. */
struct reader {
    struct ph_snapshot *snapshot;
    size_t rows_of_tcp;
    atomic_bool done;
};

static void *read_and_let_go(void *user)
{
    struct reader *reader = user;
    for (size_t i = 0; i < ph_snapshot_count(reader->snapshot); i++) {
        reader->rows_of_tcp += ph_snapshot_at(reader->snapshot, i)->protocol == PH_PROTOCOL_TCP;
    }
    ph_snapshot_unref(reader->snapshot);
    atomic_store_explicit(&reader->done, true, memory_order_relaxed);
    return NULL;
}

/* Enough for their memory to be worth taking again. */
#define LISTENERS 100

static void write_listeners(const struct proc_root *root)
{
    char text[sizeof TCP_HEADING + LISTENERS * 64];
    size_t length = (size_t)snprintf(text, sizeof text, "%s", TCP_HEADING);
    for (unsigned i = 0; i < LISTENERS; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "   %u: 00000000:%04X 00000000:0000 0A 0:0 0:0 0 0 0 %u\n", i,
                                   1 + i, 5 + i);
    }
    proc_root_write(root, "net/tcp", text);
}

static void test_snapshot_when_a_reader_let_go_then_its_memory_is_taken_in_order(void **state)
{
    struct fixture *fixture = *state;
    static struct reader reader;
    pthread_t thread;
    write_listeners(&fixture->root);
    reader.snapshot = ask_here(fixture, 0);
    const struct ph_socket *rows = ph_snapshot_at(reader.snapshot, 0);
    assert_int_equal(pthread_create(&thread, NULL, read_and_let_go, &reader), 0);
    while (!atomic_load_explicit(&reader.done, memory_order_relaxed)) {
    }
    struct ph_snapshot *next = ask_here(fixture, 0);
    assert_ptr_equal(ph_snapshot_at(next, 0), rows); /* the same memory */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reader.rows_of_tcp, LISTENERS);
    ph_snapshot_unref(next);
}

static void test_snapshot_outlives_its_observer(void **state)
{
    struct fixture *fixture = *state;
    struct ph_snapshot *snapshot = ask_here(fixture, 0);
    ph_sockets_free(fixture->sockets);
    fixture->sockets = NULL;
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_ptr_equal(ph_snapshot_ref(snapshot), snapshot);
    ph_snapshot_unref(snapshot);
    ph_snapshot_unref(snapshot);
    ph_snapshot_unref(NULL);
}

static void test_config_when_shorter_then_the_rest_is_default(void **state)
{
    struct fixture *fixture = *state;
    struct ph_sockets *sockets = NULL;
    struct ph_sockets_config cfg = {
        .proc_root = fixture->root.path, .procfs_only = true, .sockets_max = 1};
    proc_root_write(&fixture->root, "net/tcp",
                    TCP_HEADING "   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 5\n"
                                "   1: 00000000:0051 00000000:0000 0A 0:0 0:0 0 0 0 6\n");
    struct ph_snapshot *snapshot = NULL;
    assert_int_equal(ph_sockets_new_sized(&sockets, &cfg, sizeof cfg), 0);
    assert_int_equal(ph_sockets_snapshot(sockets, 0, &snapshot), PH_ERR_LIMIT);
    ph_sockets_free(sockets);
    size_t without_max = offsetof(struct ph_sockets_config, sockets_max);
    assert_int_equal(ph_sockets_new_sized(&sockets, &cfg, without_max), 0);
    assert_int_equal(ph_sockets_snapshot(sockets, 0, &snapshot), 0);
    assert_int_equal(ph_snapshot_count(snapshot), 2);
    ph_snapshot_unref(snapshot);
    ph_sockets_free(sockets);
}

static void test_snapshot_when_too_many_are_held_then_busy(void **state)
{
    (void)state;
    const struct ph_sockets_config cfg = {.snapshots_max = 2};
    struct ph_sockets *sockets;
    struct ph_snapshot *held[2];
    struct ph_snapshot *more;
    assert_int_equal(ph_sockets_new(&sockets, &cfg), 0);
    assert_int_equal(ph_sockets_snapshot(sockets, 0, &held[0]), 0);
    assert_int_equal(ph_sockets_snapshot(sockets, 0, &held[1]), 0);
    assert_int_equal(ph_sockets_snapshot(sockets, 0, &more), -EBUSY);
    assert_int_equal(ph_sockets_snapshot(sockets, 60000, &more), 0); /* an old one still will do */
    assert_ptr_equal(more, held[1]);
    ph_snapshot_unref(more);
    ph_snapshot_unref(held[0]);
    assert_int_equal(ph_sockets_snapshot(sockets, 0, &held[0]), 0);
    for (int i = 0; i < 2; i++) {
        ph_snapshot_unref(held[i]);
    }
    for (int i = 0; i < 5; i++) { /* who lets go each time may go on asking */
        assert_int_equal(ph_sockets_snapshot(sockets, 0, &more), 0);
        ph_snapshot_unref(more);
    }
    ph_sockets_free(sockets);
}

static struct ph_snapshot *ask_for(struct fixture *fixture, unsigned protocols, unsigned max_age_ms)
{
    struct ph_snapshot *snapshot = NULL;
    assert_int_equal(ph_sockets_snapshot_of(fixture->sockets, protocols, max_age_ms, &snapshot), 0);
    ph_snapshot_unref(snapshot); /* the observer keeps it */
    return snapshot;
}

static void test_snapshot_of_few_protocols_when_none_has_a_source_then_only_these_fail(void **state)
{
    struct fixture *fixture = *state;
    struct ph_snapshot *snapshot = NULL;
    assert_int_equal(
        ph_sockets_snapshot_of(fixture->sockets, PH_PROTOCOL_BIT(PH_PROTOCOL_UNIX), 0, &snapshot),
        PH_ERR_SOURCE);
    assert_null(snapshot);
    snapshot = ask_for(fixture, PH_PROTOCOL_BIT(PH_PROTOCOL_TCP), 0);
    assert_int_equal(ph_snapshot_protocols(snapshot), PH_PROTOCOL_BIT(PH_PROTOCOL_TCP));
    const char *reason;
    assert_int_equal(ph_snapshot_source(snapshot, PH_PROTOCOL_UDP, &reason), PH_SOURCE_UNAVAILABLE);
    assert_null(reason);
}

static void test_snapshot_of_few_protocols_is_shared_with_those_who_need_no_more(void **state)
{
    enum { TCP = PH_PROTOCOL_BIT(PH_PROTOCOL_TCP), UDP = PH_PROTOCOL_BIT(PH_PROTOCOL_UDP) };
    struct ph_snapshot *whole = ask_for(*state, 0, 60000);
    assert_int_equal(ph_snapshot_protocols(whole), PH_PROTOCOLS_ALL);
    assert_ptr_equal(ask_for(*state, TCP, 60000), whole);
    struct ph_snapshot *part = ask_for(*state, TCP, 0);
    assert_ptr_not_equal(part, whole);
    assert_ptr_equal(ask_for(*state, TCP, 60000), part);
    assert_ptr_equal(ask_for(*state, TCP | UDP, 60000), whole);
    assert_ptr_equal(ask_for(*state, PH_PROTOCOLS_ALL, 60000), whole);
    whole = ask_for(*state, PH_PROTOCOLS_ALL, 0);
    assert_ptr_equal(ask_for(*state, TCP, 60000), whole);
}

/* A takes the unix sockets, and fails; B waits meanwhile for a later one with those of TCP, and is
 * not told of that failure. */
static void test_snapshot_when_one_with_less_fails_then_others_take_their_own(void **state)
{
    struct fixture *fixture = *state;
    struct asker a;
    struct asker b;
    atomic_store(&gated, true);
    atomic_store(&failure, -EMFILE);
    start_for(&a, fixture->sockets, PH_PROTOCOL_BIT(PH_PROTOCOL_UNIX), 60000);
    sem_wait(&entered);
    start_for(&b, fixture->sockets, PH_PROTOCOL_BIT(PH_PROTOCOL_TCP), 60000);
    sem_wait(&waiting);
    sem_post(&gate);
    finish(&a);
    sem_wait(&entered);
    atomic_store(&failure, 0);
    sem_post(&gate);
    finish(&b);
    assert_int_equal(a.err, -EMFILE);
    assert_int_equal(b.err, 0);
    assert_int_equal(atomic_load(&taken), 2);
    ph_snapshot_unref(b.snapshot);
}

static struct ph_filter *filter_of(const char *name, const char *value)
{
    struct ph_filter *filter = NULL;
    char problem[256];
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, name, value, problem, sizeof problem), 0);
    return filter;
}

static struct ph_snapshot *ask_matching(struct fixture *fixture, const struct ph_filter *filter,
                                        unsigned max_age_ms)
{
    struct asker asker = {.sockets = fixture->sockets, .filter = filter, .max_age_ms = max_age_ms};
    ask(&asker);
    assert_int_equal(asker.err, 0);
    return asker.snapshot;
}

static void test_matching_when_it_narrows_then_for_who_asks_alone(void **state)
{
    struct ph_filter *filter = filter_of("local_port", "80");
    struct ph_snapshot *first = ask_matching(*state, filter, 60000);
    struct ph_snapshot *second = ask_matching(*state, filter, 60000);
    struct ph_snapshot *whole = ask_here(*state, 60000);
    assert_ptr_not_equal(first, second);
    assert_ptr_not_equal(second, whole);
    assert_int_equal(atomic_load(&narrow), 2);
    /* One that has more is shared. */
    struct ph_snapshot *shared = ask_matching(*state, filter, 60000);
    assert_ptr_equal(shared, whole);
    assert_int_equal(atomic_load(&taken), 3);
    ph_snapshot_unref(first);
    ph_snapshot_unref(second);
    ph_snapshot_unref(whole);
    ph_snapshot_unref(shared);
    ph_filter_free(filter);
}

static void test_matching_when_nothing_is_narrowed_or_sockets_are_few_then_shared(void **state)
{
    struct fixture *fixture = *state;
    struct ph_filter *user = filter_of("user", "0");
    struct ph_filter *port = filter_of("local_port", "80");
    ph_snapshot_unref(ask_matching(fixture, user, 0));
    proc_root_write(&fixture->root, "net/tcp", tcp_listener);
    ph_snapshot_unref(ask_here(fixture, 0)); /* sees that they are few */
    ph_snapshot_unref(ask_matching(fixture, port, 0));
    assert_int_equal(atomic_load(&taken), 3);
    assert_int_equal(atomic_load(&narrow), 0);
    ph_filter_free(user);
    ph_filter_free(port);
}

/* A takes a snapshot for himself; B and C wait meanwhile, and then share a whole one. */
static void test_matching_when_several_wait_then_one_for_all(void **state)
{
    struct fixture *fixture = *state;
    struct ph_filter *filter = filter_of("local_port", "80");
    struct asker askers[3];
    atomic_store(&gated, true);
    for (size_t i = 0; i < 3; i++) {
        askers[i] = (struct asker){.sockets = fixture->sockets, .filter = filter};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
        sem_wait(i == 0 ? &entered : &waiting);
    }
    sem_post(&gate);
    sem_wait(&entered);
    sem_wait(&waiting); /* the one who does not take it waits again */
    sem_post(&gate);
    for (size_t i = 0; i < 3; i++) {
        finish(&askers[i]);
        assert_int_equal(askers[i].err, 0);
    }
    assert_ptr_not_equal(askers[0].snapshot, askers[1].snapshot);
    assert_ptr_equal(askers[1].snapshot, askers[2].snapshot);
    assert_int_equal(atomic_load(&taken), 2);
    assert_int_equal(atomic_load(&narrow), 1);
    for (size_t i = 0; i < 3; i++) {
        ph_snapshot_unref(askers[i].snapshot);
    }
    ph_filter_free(filter);
}

static void test_matching_when_it_fails_then_only_who_asked_hears_of_it(void **state)
{
    struct fixture *fixture = *state;
    struct ph_filter *filter = filter_of("local_port", "80");
    struct ph_snapshot *snapshot = NULL;
    atomic_store(&failure, -EMFILE);
    assert_int_equal(ph_sockets_snapshot_matching(fixture->sockets, filter, 0, true, 0, &snapshot),
                     -EMFILE);
    assert_null(snapshot);
    atomic_store(&failure, 0);
    for (int i = 0; i < 2; i++) {
        fail_allocations(i, false);
        int err = ph_sockets_snapshot_matching(fixture->sockets, filter, 0, true, 0, &snapshot);
        assert_true(stop_failing());
        assert_true(err == 0 || err == -ENOMEM);
        if (err == 0) {
            ph_snapshot_unref(snapshot);
        }
    }
    ph_filter_free(filter);
}

enum { MANY_ROWS = 5000, SKIP_US = 11 * 1000 * 1000 };

static void write_many_rows(const struct proc_root *root)
{
    static char text[MANY_ROWS * 80];
    size_t used = (size_t)snprintf(text, sizeof text, TCP_HEADING);
    for (int i = 0; i < MANY_ROWS; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%d: 0100007F:%04X 00000000:0000 0A 0:0 0:0 0 0 0 %d\n", i, i + 1,
                                 i + 1);
    }
    proc_root_write(root, "net/tcp", text);
}

/* What somebody still holds is shared further; else it goes when its time has come. */
static void test_large_snapshot_when_nobody_asks_then_given_back(void **state)
{
    struct fixture *fixture = *state;
    const struct ph_sockets_config cfg = {
        .proc_root = fixture->root.path, .procfs_only = true, .threads_max = 2};
    write_many_rows(&fixture->root);
    ph_sockets_free(fixture->sockets);
    assert_int_equal(ph_sockets_new(&fixture->sockets, &cfg), 0);
    sem_init(&tidying, 0, 0);
    sem_init(&go_on, 0, 0);
    sem_init(&tidied, 0, 0);
    atomic_store(&stepping, true);
    struct ph_snapshot *first = ask_here(fixture, 600000);
    sem_wait(&tidying);
    atomic_fetch_add(&skipped_us, SKIP_US);
    sem_post(&go_on);
    sem_wait(&tidying); /* it has looked, and left it */
    struct ph_snapshot *shared = ask_here(fixture, 600000);
    assert_ptr_equal(first, shared);
    ph_snapshot_unref(first);
    ph_snapshot_unref(shared);
    atomic_fetch_add(&skipped_us, SKIP_US);
    atomic_store(&stepping, false); /* the next one waits by the real clock */
    sem_post(&go_on);
    sem_wait(&tidied);
    ph_snapshot_unref(ask_here(fixture, 600000));
    assert_int_equal(atomic_load(&taken), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new_when_out_of_memory_then_enomem),
        TEST(test_snapshot_when_age_is_zero_then_always_a_new_one),
        TEST(test_snapshot_when_young_enough_then_the_same),
        TEST(test_snapshot_when_too_old_then_a_new_one),
        TEST(test_snapshot_when_one_is_under_way_then_shared_by_rule),
        TEST(test_snapshot_when_shared_one_fails_then_all_hear_of_it),
        TEST(test_snapshot_when_a_reader_let_go_then_its_memory_is_taken_in_order),
        TEST(test_snapshot_outlives_its_observer),
        TEST(test_snapshot_when_too_many_are_held_then_busy),
        TEST(test_snapshot_of_few_protocols_when_none_has_a_source_then_only_these_fail),
        TEST(test_snapshot_of_few_protocols_is_shared_with_those_who_need_no_more),
        TEST(test_snapshot_when_one_with_less_fails_then_others_take_their_own),
        TEST(test_matching_when_it_narrows_then_for_who_asks_alone),
        TEST(test_matching_when_nothing_is_narrowed_or_sockets_are_few_then_shared),
        TEST(test_matching_when_several_wait_then_one_for_all),
        TEST(test_matching_when_it_fails_then_only_who_asked_hears_of_it),
        TEST(test_large_snapshot_when_nobody_asks_then_given_back),
        TEST(test_config_when_shorter_then_the_rest_is_default),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
