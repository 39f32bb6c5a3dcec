async () => {
  const button = document.querySelector('#copy-link');
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {  // the clipboard needs https
    const field = document.createElement('textarea');
    field.value = location.href;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  const label = button.textContent;
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = label; }, 1500);
}
