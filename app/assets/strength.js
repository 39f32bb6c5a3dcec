(strength) => {
  document.documentElement.style.setProperty('--strength', strength);
  if (!window.scffLensArrived) return;
  const address = new URL(location.href);
  address.searchParams.set('opacity', strength);
  history.replaceState(history.state, '', address);
}
