() => {
  // Uploads an image that is pasted anywhere on the page.
  if (window.scffLensPaste) return;
  window.scffLensPaste = true;
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.items || [])].filter((item) => item.kind === 'file').map((item) => item.getAsFile());
    const given = files.filter(Boolean);
    if (!given.length || event.target.closest?.('textarea, [contenteditable=true]')) return;
    const field = [...document.querySelectorAll('#upload, #batch-files')].find((each) => each.offsetParent !== null);
    const input = field?.querySelector('input[type=file]');
    if (!input) return;
    const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
    const carried = new DataTransfer();
    for (const file of input.multiple ? given : given.slice(0, 1)) {
      const unnamed = !file.name || file.name === 'image.png';
      carried.items.add(unnamed ? new File([file], `pasted-${stamp}.png`, { type: file.type }) : file);
    }
    input.files = carried.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
    event.preventDefault();
  });
}
