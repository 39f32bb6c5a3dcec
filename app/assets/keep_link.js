// Shows the link of the current view in the address bar, once the visitor's own link has been read.
(query) => {
  if (!window.scffLensArrived) return;
  const address = new URL(location.href), former = new URLSearchParams(address.search);
  address.search = query;
  for (const name of ['__theme', 'tab']) if (former.has(name)) address.searchParams.set(name, former.get(name));
  history.replaceState(history.state, '', address);
}
