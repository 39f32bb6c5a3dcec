// Many images with their answers: a gallery and a table. Whatever comes from files is written as text.
const find = (selector) => element.querySelector(selector), all = (selector) => [...element.querySelectorAll(selector)];
const STEP = 60;  // pictures that are shown at first, and more at each request
const TITLES = { all: 'All', disagree: 'The two disagree', failed: 'Failed' };
const IN_WORDS = new Intl.Collator(undefined, { numeric: true }).compare;
let run = null, made = [], show = 'all', most = STEP, sorted = { column: null, up: true };

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

const kind = (row) => row.error ? 'failed' : row.agree ? 'agree' : 'disagree';
const WORDS = { failed: 'Not explained', agree: 'The two agree', disagree: 'The two disagree' };

function picture(row) {
  const cell = make('li', kind(row));
  if (!row.error) {
    const link = make('a'), image = make('img');
    Object.assign(link, { href: row.figure, target: '_blank', rel: 'noopener' });
    Object.assign(image, { src: row.strip, loading: 'lazy', alt: `${row.name} with both heatmaps: ${row.said.join('; ')}` });
    link.append(image);
    cell.append(link);
  }
  cell.append(make('p', 'name', row.name));
  for (const words of row.error ? [row.error] : row.said) cell.append(make('p', '', words));
  cell.append(make('p', 'mark', WORDS[kind(row)]));
  return cell;
}

function line(row, columns) {
  const tr = make('tr', kind(row)), name = make('th', '', row.name);
  name.scope = 'row';
  tr.append(name);
  if (row.error) {
    const why = make('td', 'why', `not explained: ${row.error}`);
    why.colSpan = columns.length;
    tr.append(why);
  } else for (const [text, value] of row.cells) tr.append(make('td', value === null ? '' : 'number', text));
  return tr;
}

// What a row is sorted by; undefined for those that have nothing there, which come last in either order.
function key(row, column) {
  if (column === 0) return row.name;
  if (row.error) return undefined;
  const [text, value] = row.cells[column - 1];
  return value ?? (text === 'empty map' ? undefined : text);
}

function order(rows) {
  const { column, up } = sorted;
  if (column === null) return rows;
  const compare = (a, b) => typeof a === 'number' ? a - b : IN_WORDS(a, b);
  return [...rows].sort((one, other) => {
    const a = key(one.row, column), b = key(other.row, column);
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return (up ? 1 : -1) * compare(a, b);
  });
}

function heads(columns) {
  find('thead tr').replaceChildren(...['Image', ...columns].map((title, column) => {
    const th = make('th'), button = make('button', '', title);
    th.scope = 'col';
    button.type = 'button';
    button.addEventListener('click', () => {
      sorted = { column, up: sorted.column !== column || !sorted.up };
      draw();
    });
    th.append(button);
    return th;
  }));
}

// What is there already stays in its place, and keeps the focus.
function fill(parent, nodes) {
  const there = [...parent.children];
  if (there.every((node, i) => node === nodes[i])) parent.append(...nodes.slice(there.length));
  else parent.replaceChildren(...nodes);
}

function draw() {
  const wanted = made.filter(({ row }) => show === 'all' || kind(row) === show);
  fill(find('.gallery'), wanted.slice(0, most).map(({ cell }) => cell));
  fill(find('tbody'), order(wanted).map(({ tr }) => tr));
  for (const button of all('[data-show]')) {
    const name = button.dataset.show;
    const count = name === 'all' ? made.length : made.filter(({ row }) => kind(row) === name).length;
    button.textContent = `${TITLES[name]} (${count})`;
    button.setAttribute('aria-pressed', String(name === show));
  }
  all('thead th').forEach((th, column) => {
    if (column === sorted.column) th.setAttribute('aria-sort', sorted.up ? 'ascending' : 'descending');
    else th.removeAttribute('aria-sort');
  });
  find('.more').hidden = wanted.length <= most;
  find('.shown').textContent = wanted.length > most ? `${most} of ${wanted.length} pictures are shown; the table has all.` : '';
}

function take() {
  const value = props.value;
  find('.outcome').hidden = !value?.rows?.length;
  if (!value?.rows) return;
  if (value.run !== run) {
    [run, made, show, most] = [value.run, [], 'all', STEP];
    sorted = { column: null, up: true };
    heads(value.columns);
  }
  for (const row of value.rows.slice(made.length)) made.push({ row, cell: picture(row), tr: line(row, value.columns) });
  draw();
}

for (const button of all('[data-show]')) {
  button.addEventListener('click', () => { [show, most] = [button.dataset.show, STEP]; draw(); });
}
find('.more').addEventListener('click', () => { most += STEP; draw(); });
watch('value', take);
take();
