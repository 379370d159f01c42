/* SPDX-License-Identifier: MIT
 *
 * Asks the JSON API. A failure is an ApiError whose `kind` says what to do about it:
 * "network" (no answer), "token" (401), "parameter" (400), "server" (any other answer).
 */

const TOKEN_KEY = 'porthole.token';
const TIMEOUT_MS = 15000;

export class ApiError extends Error {
    constructor(kind, message, status) {
        super(message);
        this.kind = kind;
        this.status = status ?? null;
    }
}

/* Where the tab keeps the token; a browser may refuse storage, then the page keeps it. */
let token_here = null;

export function read_token() {
    try {
        return sessionStorage.getItem(TOKEN_KEY) ?? token_here;
    } catch {
        return token_here;
    }
}

export function keep_token(token) {
    token_here = token;
    try {
        if (token === null) {
            sessionStorage.removeItem(TOKEN_KEY);
        } else {
            sessionStorage.setItem(TOKEN_KEY, token);
        }
    } catch {
        /* kept in token_here only */
    }
}

async function problem_of(response) {
    let said = '';
    try {
        const problem = await response.json();
        said = String(problem.detail ?? problem.title ?? '');
    } catch {
        /* not a problem document: the status has to do */
    }
    const status = `${response.status} ${response.statusText}`.trim();
    if (response.status === 401) {
        return new ApiError('token', said || status, 401);
    }
    if (response.status === 400) {
        return new ApiError('parameter', said || status, 400);
    }
    return new ApiError('server', said ? `${status}: ${said}` : status, response.status);
}

/* One signal that fires with `outer` or after TIMEOUT_MS. */
function limited(outer) {
    const control = new AbortController();
    const stop = () => control.abort();
    const timer = setTimeout(stop, TIMEOUT_MS);
    outer?.addEventListener('abort', stop, { once: true });
    return {
        signal: control.signal,
        done() {
            clearTimeout(timer);
            outer?.removeEventListener('abort', stop);
        },
    };
}

/* GETs `path` below api/v1/; `params` is [[name, value], ...]. */
export async function get(path, params, signal) {
    const query = new URLSearchParams(params ?? []).toString();
    const headers = { Accept: 'application/json' };
    const token = read_token();
    if (token !== null) {
        headers.Authorization = `Bearer ${token}`;
    }
    const limit = limited(signal);
    try {
        const response = await fetch(`api/v1/${path}${query ? `?${query}` : ''}`, {
            headers,
            signal: limit.signal,
            cache: 'no-store',
            credentials: 'same-origin',
        });
        if (!response.ok) {
            throw await problem_of(response);
        }
        return await response.json();
    } catch (error) {
        if (error instanceof ApiError || signal?.aborted) {
            throw error;
        }
        const late = limit.signal.aborted;
        throw new ApiError(
            'network',
            late ? `no answer within ${TIMEOUT_MS / 1000} s` : error.message,
        );
    } finally {
        limit.done();
    }
}
