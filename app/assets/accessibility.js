() => {
  // Accessibility that Gradio lacks: tabs by arrow keys, accessible names, help that Escape closes.
  if (window.scffLensKeys) return;
  window.scffLensKeys = true;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const text = (element) => element?.innerText.replace(/\s+/g, ' ').trim() || '';
  const label = (element, name) => { if (name && element.getAttribute('aria-label') !== name) element.setAttribute('aria-label', name); };

  function repair() {
    for (const each of all('.thumbnail-item')) label(each, text(each.querySelector('.caption-label')));
    for (const each of all('button.upload-container:not(.icon-mode), .file-preview-holder button')) {
      const block = text(each.closest('.block')?.querySelector('[data-testid=block-label]'));
      if (text(each)) label(each, [block, text(each)].filter(Boolean).join(': '));
    }
    for (const outer of all('.icon-button:has(.upload-container)')) {  // nested buttons
      outer.setAttribute('role', 'group');
      outer.tabIndex = -1;
      outer.title = 'Add files';
      for (const each of [outer, outer.querySelector('.upload-container')]) label(each, 'Add files');
    }
    for (const panel of all('[role=tabpanel][id]')) {
      const tab = document.querySelector(`[role=tab][aria-controls="${panel.id}"]`);
      if (tab?.id) panel.setAttribute('aria-labelledby', tab.id);
    }
    for (const list of all('[role=tablist]')) label(list, 'Tabs');
    for (const tab of all('[role=tab]')) tab.tabIndex = tab.getAttribute('aria-selected') === 'true' ? 0 : -1;
    updateAddress();
  }

  // The address bar names the open tab.
  let open = null;
  function updateAddress() {
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
  new MutationObserver(() => { due ||= setTimeout(() => { due = 0; repair(); }, 100); }).observe(document.body, {
    childList: true, subtree: true, attributes: true, attributeFilter: ['aria-selected', 'src'],
  });
  repair();

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
