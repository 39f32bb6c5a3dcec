// Keeps the address of the present view in the browser's bar, once the visitor's own link has been read.
(query) => {
  if (!window.scffLensArrived) return;
  const address = new URL(location.href), theme = address.searchParams.get('__theme');
  address.search = query;
  if (theme) address.searchParams.set('__theme', theme);
  history.replaceState(history.state, '', address);
}
