/* SPDX-License-Identifier: MIT
 *
 * What is searched for, and its place in the page's address.
 *
 * A search is words. "name:value" with a name of SHORT_FORMS goes to the server as it is; so does
 * a word that can only be a state, a protocol or an address. All other words are looked for here,
 * in the rows that the server sent.
 */
import { STATES } from './format.js';

export const SHORT_FORMS = [
    'protocol',
    'state',
    'port',
    'local_port',
    'remote_port',
    'address',
    'pid',
    'command',
    'user',
];
const PROTOCOLS = ['tcp', 'udp', 'unix'];

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]+(\/\d{1,3})?$/i;

/* Splits at spaces outside double quotes: command:"a b" is one word. */
function split_words(text) {
    return text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
}

function unquoted(text) {
    return text.replaceAll('"', '');
}

function classify(word) {
    const colon = word.indexOf(':');
    const name = word.slice(0, Math.max(0, colon)).toLowerCase().replaceAll('-', '_');
    if (SHORT_FORMS.includes(name)) {
        return [name, unquoted(word.slice(colon + 1))];
    }
    const plain = unquoted(word);
    const lower = plain.toLowerCase().replaceAll('-', '_');
    if (lower in STATES) {
        return ['state', lower];
    }
    if (PROTOCOLS.includes(lower)) {
        return ['protocol', lower];
    }
    if (IPV4.test(plain) || IPV6.test(plain)) {
        return ['address', plain];
    }
    return [null, plain.toLowerCase()];
}

/* -> { forms: [[name, value], ...], words: [lower-case text, ...] } */
export function parse_search(text) {
    const forms = [];
    const words = [];
    for (const word of split_words(text)) {
        const [name, value] = classify(word);
        if (value === '') {
            continue; /* still being typed */
        }
        if (name === null) {
            words.push(value);
        } else {
            forms.push([name, value]);
        }
    }
    return { forms, words };
}

export function values_of(search, name) {
    return search.forms.filter((form) => form[0] === name).flatMap((form) => form[1].split(','));
}

/* The search text with `wanted` short forms ({name: value}) in place of those it had; when it
 * already had exactly these, without them. */
export function toggle_forms(text, wanted) {
    const has = parse_search(text);
    const same = Object.entries(wanted).every(
        ([name, value]) => values_of(has, name).join() === value,
    );
    const rest = split_words(text).filter((word) => {
        const [name] = classify(word);
        return name === null || !(name in wanted);
    });
    const added = same ? [] : Object.entries(wanted).map(([name, value]) => `${name}:${value}`);
    return [...rest, ...added].join(' ');
}

/* ---- the address: #q=…&sort=…&ports=…&open=… ---- */

export const DEFAULT_VIEW = { q: '', sort: 'state', ports: 'port', open: [] };

export function read_view(hash) {
    const kept = new URLSearchParams(hash.replace(/^#/, ''));
    return {
        q: kept.get('q') ?? DEFAULT_VIEW.q,
        sort: kept.get('sort') ?? DEFAULT_VIEW.sort,
        ports: kept.get('ports') ?? DEFAULT_VIEW.ports,
        open: (kept.get('open') ?? '').split(',').filter((key) => key !== ''),
    };
}

export function write_view(view) {
    const kept = new URLSearchParams();
    if (view.q.trim() !== '') {
        kept.set('q', view.q.trim());
    }
    if (view.sort !== DEFAULT_VIEW.sort) {
        kept.set('sort', view.sort);
    }
    if (view.ports !== DEFAULT_VIEW.ports) {
        kept.set('ports', view.ports);
    }
    if (view.open.length > 0) {
        kept.set('open', view.open.join(','));
    }
    /* ':' '/' ',' need no escape in a fragment, and read better without */
    return kept.toString().replace(/%(3A|2F|2C)/g, (code) => decodeURIComponent(code));
}
