async () => {
  const button = document.querySelector('#copy-link');
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {  // without https
    const field = document.createElement('textarea');
    field.value = location.href;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  const words = button.textContent;
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = words; }, 1500);
}
