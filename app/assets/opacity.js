(opacity) => {
  document.documentElement.style.setProperty('--overlay-opacity', opacity);
  if (!window.scffLensArrived) return;
  const address = new URL(location.href);
  address.searchParams.set('opacity', opacity);
  history.replaceState(history.state, '', address);
}
