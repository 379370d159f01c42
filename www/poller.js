/* SPDX-License-Identifier: MIT
 *
 * Asks again and again, while somebody looks: every INTERVAL_MS after the answer before, not at
 * all while paused or while the tab is hidden, and more and more rarely while the server is gone.
 */

const INTERVAL_MS = 2000;
const RETRY_MS = [1000, 2000, 4000, 8000];
const LATE_FACTOR = 2;

/* A function that does `ask`, unless the time before is still on its way. */
export function one_at_a_time(ask) {
    let asking = false;
    return async () => {
        if (asking) {
            return;
        }
        asking = true;
        try {
            await ask();
        } finally {
            asking = false;
        }
    };
}

/*
 * poll(signal) -> promise. on_state(state, { error, retry_at }) with state "live", "paused",
 * "hidden", "lost" or "token". A new question ends the one before.
 */
export function create_poller({ poll, on_state }) {
    let timer = null;
    let control = null;
    let failures = 0;
    let paused = false;
    let waits_for_token = false;

    function plan(delay) {
        clearTimeout(timer);
        timer = null;
        if (!paused && !document.hidden && !waits_for_token) {
            timer = setTimeout(ask, delay);
        }
    }

    function resting_state() {
        return paused ? 'paused' : document.hidden ? 'hidden' : 'live';
    }

    function failed(error) {
        if (error.kind === 'token') {
            waits_for_token = true;
            on_state('token', { error });
            return;
        }
        const delay = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
        failures += 1;
        on_state('lost', { error, retry_at: paused ? null : performance.now() + delay });
        plan(delay);
    }

    async function ask() {
        clearTimeout(timer);
        control?.abort();
        const mine = new AbortController();
        control = mine;
        const began = performance.now();
        try {
            await poll(mine.signal);
        } catch (error) {
            if (control === mine && !mine.signal.aborted) {
                control = null;
                failed(error);
            }
            return;
        }
        if (control !== mine) {
            return;
        }
        control = null;
        failures = 0;
        on_state(resting_state(), {});
        /* A slow machine is not asked to spend more than a third of its time on us. */
        plan(Math.max(INTERVAL_MS, LATE_FACTOR * (performance.now() - began)));
    }

    document.addEventListener('visibilitychange', () => {
        if (document.hidden) {
            clearTimeout(timer);
            control?.abort();
            control = null;
            on_state(resting_state(), {});
        } else if (!paused && !waits_for_token) {
            ask();
        }
    });

    return {
        /* Asks now, also while paused: somebody wants to see something else. */
        ask,
        token_given() {
            waits_for_token = false;
            ask();
        },
        set_paused(on) {
            paused = on;
            if (on) {
                clearTimeout(timer);
                on_state('paused', {});
            } else {
                on_state('live', {});
                ask();
            }
        },
        is_paused: () => paused,
    };
}
