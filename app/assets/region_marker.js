// A box or a brushed region over an image. Boxes are in pixels of the full-size image (picture.width x picture.height),
// a brushed mask is a PNG at display size.
const find = (selector) => element.querySelector(selector);
const image = find('img'), canvas = find('canvas'), pen = canvas.getContext('2d');
const mask = document.createElement('canvas'), ink = mask.getContext('2d');
const size = find('input[type=range]');
const YELLOW = '#ffe14d';
let picture = {}, mode = 'box', box = null, brushed = false, from = null, last = null;

const limits = () => [picture.width || 1, picture.height || 1];
const within = (value, most) => Math.max(0, Math.min(most, Math.round(value)));

function place(event) {  // in pixels of the full-size image
  const frame = canvas.getBoundingClientRect(), [width, height] = limits();
  return [within((event.clientX - frame.left) * width / frame.width, width),
          within((event.clientY - frame.top) * height / frame.height, height)];
}

function paint() {
  const [width, height] = limits(), across = canvas.width / width, down = canvas.height / height;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (brushed) { pen.globalAlpha = 0.45; pen.drawImage(mask, 0, 0); pen.globalAlpha = 1; }
  if (!box) return;
  const line = Math.max(2, canvas.width / 200), [left, top, right, bottom] = box;
  for (const [thick, colour] of [[2 * line, '#000'], [line, YELLOW]]) {
    pen.lineWidth = thick;
    pen.strokeStyle = colour;
    pen.strokeRect(left * across, top * down, (right - left) * across, (bottom - top) * down);
  }
}

function describe() {
  const [width, height] = limits();
  find('.caption').textContent = picture.caption || '';
  find('.marked').textContent = brushed ? 'Marked: a brushed region.'
    : box ? `Marked: from ${box[0]}, ${box[1]} to ${box[2]}, ${box[3]} of ${width} × ${height} pixels.` : '';
}

function wipe() {
  box = null;
  brushed = false;
  ink.clearRect(0, 0, mask.width, mask.height);
}

function send() {
  if (box && (box[2] <= box[0] || box[3] <= box[1])) box = null;
  props.value = brushed ? { picture, mask: mask.toDataURL('image/png') } : box ? { picture, box: box.slice() } : { picture };
  describe();
  paint();
  trigger('input');
}

function show() {
  wipe();
  if (props.value && props.value.box) box = props.value.box.slice();
  describe();
  paint();
}

function receive() {  // the image and its marking, from the server
  if (!props.value || !props.value.picture) return;
  picture = props.value.picture;
  image.alt = picture.alt;
  find('.stage').style.setProperty('--shape', limits()[0] / limits()[1]);
  const same = image.getAttribute('src') === picture.src;
  if (!same) image.src = picture.src;
  if (same && brushed && (props.value.brushed || props.value.mask)) { describe(); return; }
  show();
}

function dab(start, end) {
  const [width, height] = limits(), across = mask.width / width, down = mask.height / height;
  const shown = canvas.getBoundingClientRect().width || mask.width;
  ink.strokeStyle = YELLOW;
  ink.lineCap = ink.lineJoin = 'round';
  ink.lineWidth = Number(size.value) * mask.width / shown;
  ink.beginPath();
  ink.moveTo(start[0] * across, start[1] * down);
  ink.lineTo(end[0] * across, end[1] * down);
  ink.stroke();
  brushed = true;
}

image.addEventListener('load', () => {
  for (const each of [canvas, mask]) { each.width = image.naturalWidth; each.height = image.naturalHeight; }
  show();
});
watch('value', receive);

canvas.addEventListener('pointerdown', (event) => {
  if (event.button || !canvas.width) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  from = last = place(event);
  if (mode === 'box') { wipe(); box = [...from, ...from]; } else { box = null; dab(from, from); }
  paint();
});
canvas.addEventListener('pointermove', (event) => {
  if (!from) return;
  const now = place(event);
  if (mode === 'box') {
    box = [Math.min(from[0], now[0]), Math.min(from[1], now[1]), Math.max(from[0], now[0]), Math.max(from[1], now[1])];
  } else {
    for (const step of event.getCoalescedEvents?.() || [event]) { const next = place(step); dab(last, next); last = next; }
  }
  paint();
});
for (const ending of ['pointerup', 'pointercancel']) {
  canvas.addEventListener(ending, () => { if (from) { from = last = null; send(); } });
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let pending = 0;
canvas.addEventListener('keydown', (event) => {
  if (event.key === 'Delete' || event.key === 'Backspace') { event.preventDefault(); wipe(); send(); return; }
  const step = STEPS[event.key], [width, height] = limits();
  if (!step || !canvas.width) return;
  event.preventDefault();
  const across = step[0] * Math.max(1, Math.round(width / 64)), down = step[1] * Math.max(1, Math.round(height / 64));
  if (!box) {
    wipe();
    box = [width / 4, height / 4, 3 * width / 4, 3 * height / 4].map(Math.round);
  } else if (event.shiftKey) {
    box[2] = Math.max(box[0] + 1, within(box[2] + across, width));
    box[3] = Math.max(box[1] + 1, within(box[3] + down, height));
  } else {
    const right = Math.max(-box[0], Math.min(width - box[2], across));
    const lower = Math.max(-box[1], Math.min(height - box[3], down));
    box = [box[0] + right, box[1] + lower, box[2] + right, box[3] + lower];
  }
  paint();
  clearTimeout(pending);
  pending = setTimeout(send, 350);
});

for (const button of element.querySelectorAll('[data-mode]')) {
  button.addEventListener('click', () => {
    mode = button.dataset.mode;
    size.parentElement.hidden = mode !== 'brush';
    for (const each of element.querySelectorAll('[data-mode]')) each.setAttribute('aria-pressed', String(each === button));
  });
}
find('[data-do=clear]').addEventListener('click', () => { wipe(); send(); });
receive();
