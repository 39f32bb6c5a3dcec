() => {
  // What Gradio's parts lack: tabs that obey the arrow keys, names that say what is seen, help that Escape closes.
  if (window.scffLensKeys) return;
  window.scffLensKeys = true;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const words = (element) => element?.innerText.replace(/\s+/g, ' ').trim() || '';
  const label = (element, name) => { if (name && element.getAttribute('aria-label') !== name) element.setAttribute('aria-label', name); };

  function mend() {
    for (const each of all('.thumbnail-item')) label(each, words(each.querySelector('.caption-label')));
    for (const each of all('button.upload-container:not(.icon-mode), .file-preview-holder button')) {
      const block = words(each.closest('.block')?.querySelector('[data-testid=block-label]'));
      if (words(each)) label(each, [block, words(each)].filter(Boolean).join(': '));
    }
    for (const outer of all('.icon-button:has(.upload-container)')) {  // one button within another
      outer.setAttribute('role', 'group');
      outer.tabIndex = -1;
      outer.title = 'Add files';
      for (const each of [outer, outer.querySelector('.upload-container')]) label(each, 'Add files');
    }
    for (const panel of all('[role=tabpanel][id]')) {
      const tab = document.querySelector(`[role=tab][aria-controls="${panel.id}"]`);
      if (tab?.id) panel.setAttribute('aria-labelledby', tab.id);
    }
    for (const list of all('[role=tablist]')) label(list, 'Parts of this page');
    for (const tab of all('[role=tab]')) tab.tabIndex = tab.getAttribute('aria-selected') === 'true' ? 0 : -1;
    follow();
  }

  // The address names the tab that is open.
  let open = null;
  function follow() {
    const now = all('[role=tabpanel][id]').find((each) => each.checkVisibility())?.id;
    if (!now || now === open) return;
    const first = open === null;
    open = now;
    if (first) return;
    const address = new URL(location.href);
    if (now === 'compare') address.searchParams.delete('tab'); else address.searchParams.set('tab', now);
    history.replaceState(history.state, '', address);
  }

  let due = 0;
  new MutationObserver(() => { due ||= setTimeout(() => { due = 0; mend(); }, 100); }).observe(document.body, {
    childList: true, subtree: true, attributes: true, attributeFilter: ['aria-selected', 'src'],
  });
  mend();

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      for (const help of all('details.help[open]')) {
        if (help.contains(document.activeElement)) help.querySelector('summary').focus();
        help.open = false;
      }
      return;
    }
    const tab = event.target.closest?.('[role=tab]');
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')].filter((each) => each.checkVisibility({ visibilityProperty: true }));
    const at = tabs.indexOf(tab), last = tabs.length - 1;
    if (at < 0) return;
    const next = tabs[Number.isFinite(step) ? (at + step + tabs.length) % tabs.length : step < 0 ? 0 : last];
    event.preventDefault();
    next.click();
    next.focus();
  });
  document.addEventListener('click', (event) => {
    for (const help of all('details.help[open]')) if (!help.contains(event.target)) help.open = false;
  });
}
