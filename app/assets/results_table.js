// Batch results: a gallery and a sortable table. Everything from files is written as text.
const find = (selector) => element.querySelector(selector), all = (selector) => [...element.querySelectorAll(selector)];
const STEP = 60;  // images in the gallery at first, and added by each click
const TITLES = { all: 'All', disagree: 'Different predictions', failed: 'Failed' };
const COLLATE = new Intl.Collator(undefined, { numeric: true }).compare;
let run = null, entries = [], filter = 'all', limit = STEP, sorting = { column: null, ascending: true };

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

const kind = (row) => row.error ? 'failed' : row.agree ? 'agree' : 'disagree';
const LABELS = { failed: 'Not explained', agree: 'Same prediction', disagree: 'Different predictions' };

function galleryItem(row) {
  const cell = make('li', kind(row));
  if (!row.error) {
    const link = make('a'), image = make('img');
    Object.assign(link, { href: row.figure, target: '_blank', rel: 'noopener' });
    Object.assign(image, { src: row.strip, loading: 'lazy', alt: `${row.name} with both heatmaps: ${row.summary.join('; ')}` });
    link.append(image);
    cell.append(link);
  }
  cell.append(make('p', 'name', row.name));
  for (const text of row.error ? [row.error] : row.summary) cell.append(make('p', '', text));
  cell.append(make('p', 'mark', LABELS[kind(row)]));
  return cell;
}

function tableRow(row, columns) {
  const tr = make('tr', kind(row)), name = make('th', '', row.name);
  name.scope = 'row';
  tr.append(name);
  if (row.error) {
    const reason = make('td', 'reason', `not explained: ${row.error}`);
    reason.colSpan = columns.length;
    tr.append(reason);
  } else for (const [text, value] of row.cells) tr.append(make('td', value === null ? '' : 'number', text));
  return tr;
}

// Sort key of a row; undefined where there is no value: such rows come last in either direction.
function key(row, column) {
  if (column === 0) return row.name;
  if (row.error) return undefined;
  const [text, value] = row.cells[column - 1];
  return value ?? (text === 'empty map' ? undefined : text);
}

function order(rows) {
  const { column, ascending } = sorting;
  if (column === null) return rows;
  const compare = (a, b) => typeof a === 'number' ? a - b : COLLATE(a, b);
  return [...rows].sort((one, other) => {
    const a = key(one.row, column), b = key(other.row, column);
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return (ascending ? 1 : -1) * compare(a, b);
  });
}

function heads(columns) {
  find('thead tr').replaceChildren(...['Image', ...columns].map((title, column) => {
    const th = make('th'), button = make('button', '', title);
    th.scope = 'col';
    button.type = 'button';
    button.addEventListener('click', () => {
      sorting = { column, ascending: sorting.column !== column || !sorting.ascending };
      draw();
    });
    th.append(button);
    return th;
  }));
}

// Appends new nodes where the present ones stay: they keep the focus.
function fill(parent, nodes) {
  const present = [...parent.children];
  if (present.every((node, i) => node === nodes[i])) parent.append(...nodes.slice(present.length));
  else parent.replaceChildren(...nodes);
}

function draw() {
  const filtered = entries.filter(({ row }) => filter === 'all' || kind(row) === filter);
  fill(find('.gallery'), filtered.slice(0, limit).map(({ cell }) => cell));
  fill(find('tbody'), order(filtered).map(({ tr }) => tr));
  for (const button of all('[data-show]')) {
    const name = button.dataset.show;
    const count = name === 'all' ? entries.length : entries.filter(({ row }) => kind(row) === name).length;
    button.textContent = `${TITLES[name]} (${count})`;
    button.setAttribute('aria-pressed', String(name === filter));
  }
  all('thead th').forEach((th, column) => {
    if (column === sorting.column) th.setAttribute('aria-sort', sorting.ascending ? 'ascending' : 'descending');
    else th.removeAttribute('aria-sort');
  });
  find('.more').hidden = filtered.length <= limit;
  find('.shown').textContent = filtered.length > limit ? `${limit} of ${filtered.length} images are shown; the table lists all.` : '';
}

function receive() {
  const value = props.value;
  find('.outcome').hidden = !value?.rows?.length;
  if (!value?.rows) return;
  if (value.run !== run) {
    [run, entries, filter, limit] = [value.run, [], 'all', STEP];
    sorting = { column: null, ascending: true };
    heads(value.columns);
  }
  for (const row of value.rows.slice(entries.length)) {
    entries.push({ row, cell: galleryItem(row), tr: tableRow(row, value.columns) });
  }
  draw();
}

for (const button of all('[data-show]')) {
  button.addEventListener('click', () => { [filter, limit] = [button.dataset.show, STEP]; draw(); });
}
find('.more').addEventListener('click', () => { limit += STEP; draw(); });
watch('value', receive);
receive();
