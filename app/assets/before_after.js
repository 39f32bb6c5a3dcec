// Two images of one size, one over the other up to a movable edge.
const find = (selector) => element.querySelector(selector), range = find('input'), two = find('.two');
const shown = (name) => (props.value && props.value[name]) || '';

function move() {
  two.style.setProperty('--at', `${range.value}%`);
  range.setAttribute('aria-valuetext', `${range.value}% ${shown('left')}, ${100 - range.value}% ${shown('right')}`);
}

function show(image, address) {
  image.hidden = !address;
  if (address) image.src = address;
}

function draw() {
  for (const [layer, side] of [['over', 'left'], ['under', 'right']]) {
    show(find(`.${layer} .base`), shown('base'));
    show(find(`.${layer} .heat`), shown(`${side}_src`));
    find(`.${layer} .base`).alt = shown(`${side}_alt`);
    find(`.${side}`).textContent = shown(side);
  }
  range.setAttribute('aria-label', `Slide between ${shown('left')} and ${shown('right')}`);
  move();
}

function drag(event) {
  const frame = two.getBoundingClientRect();
  range.value = Math.round(100 * (event.clientX - frame.left) / frame.width);
  move();
}

find('.under .base').addEventListener('load', (event) => {
  two.style.setProperty('--shape', event.target.naturalWidth / event.target.naturalHeight);
});
range.addEventListener('pointerdown', (event) => {
  if (event.button) return;
  event.preventDefault();
  range.focus({ preventScroll: true });
  range.setPointerCapture(event.pointerId);
  drag(event);
});
range.addEventListener('pointermove', (event) => { if (range.hasPointerCapture(event.pointerId)) drag(event); });
range.addEventListener('input', move);
watch('value', draw);
draw();
