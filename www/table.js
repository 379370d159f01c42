/* SPDX-License-Identifier: MIT
 *
 * A table that is told its rows again and again, and changes only what differs. It becomes a list
 * of cards on a narrow screen by style alone, hence the explicit roles: a browser takes a table's
 * meaning away with its display.
 *
 * A column: { id, label, sort (name to sort by, or none), number (right-aligned),
 *             value(row) -> what the cell shows, as plain data, fill(cell, row, value) }.
 */
import { element, set_attribute, set_children } from './dom.js';

function make_heading(column, on_sort) {
    const cell = element('th', { scope: 'col', role: 'columnheader', class: `c-${column.id}` });
    if (!column.sort || !on_sort) {
        cell.textContent = column.label;
        return cell;
    }
    const button = element(
        'button',
        { type: 'button', class: 'sort' },
        column.label,
        element('span', { class: 'sort-mark', 'aria-hidden': 'true' }),
    );
    button.addEventListener('click', () => on_sort(column.sort, column.number === true));
    cell.append(button);
    return cell;
}

function make_head(columns, on_sort) {
    const row = element('tr', { role: 'row' });
    row.append(...columns.map((column) => make_heading(column, on_sort)));
    return element('thead', { role: 'rowgroup' }, row);
}

function make_row(columns) {
    const row = element('tr', { role: 'row', class: 'row' });
    const cells = columns.map((column, index) => {
        const attributes = { class: `c-${column.id}`, 'data-label': column.label };
        return index === 0
            ? element('th', { ...attributes, scope: 'row', role: 'rowheader' })
            : element('td', { ...attributes, role: 'cell' });
    });
    row.append(...cells);
    return { row, cells, shown: new Array(columns.length).fill(null), detail: null };
}

function fill_row(record, columns, data) {
    columns.forEach((column, index) => {
        const value = column.value(data);
        const text = JSON.stringify(value) ?? '';
        if (record.shown[index] === text) {
            return;
        }
        record.shown[index] = text;
        record.cells[index].replaceChildren();
        column.fill(record.cells[index], data, value);
    });
}

/*
 * options: caption, class_name, columns, key(row), on_sort(field), detail (optional):
 * { is_open(key), create(row) -> { element, update(row) } } for the row that opens below a row.
 */
export function create_table(options) {
    const { columns, key } = options;
    const head = make_head(columns, options.on_sort);
    const body = element('tbody', { role: 'rowgroup' });
    const table = element(
        'table',
        { role: 'table', class: `table ${options.class_name ?? ''}` },
        element('caption', { class: 'quiet' }, options.caption),
        element('colgroup', {}, ...columns.map((c) => element('col', { class: `w-${c.id}` }))),
        head,
        body,
    );
    let records = new Map();
    let known = false;

    function detail_row(record, data, row_key) {
        if (!options.detail?.is_open(row_key)) {
            record.detail = null;
            return null;
        }
        if (!record.detail) {
            const content = options.detail.create(data);
            const cell = element('td', { role: 'cell', colspan: columns.length }, content.element);
            record.detail = { content, row: element('tr', { role: 'row', class: 'detail' }, cell) };
        }
        record.detail.content.update(data);
        return record.detail.row;
    }

    function set_rows(rows) {
        const next = new Map();
        const wanted = [];
        for (const data of rows) {
            const row_key = key(data);
            if (next.has(row_key)) {
                continue; /* two with one key would fight for one row */
            }
            let record = records.get(row_key);
            if (!record) {
                record = make_row(columns);
                record.row.dataset.key = row_key;
                if (known) {
                    record.row.classList.add('is-new');
                }
            }
            fill_row(record, columns, data);
            const open = detail_row(record, data, row_key);
            record.row.classList.toggle('is-open', open !== null);
            next.set(row_key, record);
            wanted.push(record.row, ...(open ? [open] : []));
        }
        records = next;
        set_children(body, wanted);
    }

    return {
        element: table,
        body,
        set_rows,
        /* From now on, a row that was not there before is marked as new. */
        mark_new(on) {
            known = on;
        },
        row_of: (row_key) => records.get(row_key)?.row ?? null,
        set_sort(sort) {
            const field = sort.replace(/^-/, '');
            columns.forEach((column, index) => {
                const order = sort.startsWith('-') ? 'descending' : 'ascending';
                set_attribute(
                    head.rows[0].cells[index],
                    'aria-sort',
                    column.sort && column.sort === field ? order : null,
                );
            });
        },
    };
}

/* Lets a click on a row open it, unless it is one that selects text or is inside of what is open.
 * The button in the row says whether it is, for those who do not see it. */
export function opener(key, ...content) {
    return element(
        'button',
        { type: 'button', class: 'opener', 'aria-expanded': 'false', 'data-open': key },
        element('span', { class: 'twist', 'aria-hidden': 'true' }),
        ...content,
    );
}

export function open_on_click(table, on_toggle) {
    table.body.addEventListener('click', (event) => {
        const row = event.target.closest('tr.row');
        const selecting = String(document.getSelection() ?? '') !== '';
        const inside_detail = event.target.closest('.detail') !== null;
        if (row && !inside_detail && (!selecting || event.target.closest('.opener'))) {
            on_toggle(row.dataset.key);
        }
    });
}

export function mark_open(table, is_open) {
    for (const button of table.body.querySelectorAll('.opener')) {
        button.setAttribute('aria-expanded', String(is_open(button.dataset.open)));
    }
}

/* The next sort after a click on `field`: numbers begin with the largest. */
export function next_sort(sort, field, largest_first) {
    const first = largest_first ? `-${field}` : field;
    const second = largest_first ? field : `-${field}`;
    return sort === first ? second : first;
}
