/* SPDX-License-Identifier: MIT
 *
 * Small helpers to build and change elements. Text from the machine only ever goes through
 * machine(), which sets it as text, isolated from the direction of what surrounds it.
 */

/* Characters that show nothing, or change the order of what is shown: controls, bidirectional
 * marks, zero-width characters, separators, tags. */
const INVISIBLE = new RegExp(
    '[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160' +
        '\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f' +
        '\\ufeff\\uffa0\\ufff0-\\ufffb]|[\\u{e0000}-\\u{e0fff}]',
    'gu',
);

function name_of(character) {
    const code = character.codePointAt(0);
    if (code < 0x20) {
        return String.fromCodePoint(0x2400 + code);
    }
    if (code === 0x7f) {
        return '\u2421';
    }
    return `\u2039U+${code.toString(16).toUpperCase().padStart(4, '0')}\u203a`;
}

/* What a stranger chose, with nothing hidden in it. */
export function visible(text) {
    return String(text).replace(INVISIBLE, name_of);
}

/* Makes an element. A value of null, undefined or false leaves the attribute out. */
export function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === null || value === undefined || value === false) {
            continue;
        }
        made.setAttribute(name, value === true ? '' : String(value));
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
}

export function span(class_name, ...children) {
    return element('span', { class: class_name }, ...children);
}

/* Text that came from the machine. */
export function machine(text, class_name) {
    const made = element('bdi', { class: class_name });
    made.textContent = visible(text);
    return made;
}

/* Writes only when something changes, so that a selection or a focus nearby stays. */
export function set_text(target, text) {
    if (target.textContent !== text) {
        target.textContent = text;
    }
}

export function set_attribute(target, name, value) {
    if (value === null || value === undefined || value === false) {
        target.removeAttribute(name);
    } else if (target.getAttribute(name) !== String(value)) {
        target.setAttribute(name, String(value));
    }
}

/* Makes the children of `parent` exactly `wanted`, moving as few as it can and keeping the focus. */
export function set_children(parent, wanted) {
    const focused = parent.contains(document.activeElement) ? document.activeElement : null;
    const keep = new Set(wanted);
    for (const child of [...parent.children]) {
        if (!keep.has(child)) {
            child.remove();
        }
    }
    let cursor = parent.firstElementChild;
    for (const child of wanted) {
        if (child === cursor) {
            cursor = cursor.nextElementSibling;
        } else {
            parent.insertBefore(child, cursor);
        }
    }
    if (focused && focused !== document.activeElement && parent.contains(focused)) {
        focused.focus({ preventScroll: true });
    }
}
