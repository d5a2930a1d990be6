import { onCleanup } from 'solid-js';
import type { App } from '../../stores/app';

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** The shortcuts that work everywhere; the help dialog lists them. */
export function shortcuts(app: App): void {
  const step = (by: number): void => {
    const { chats, people, archived } = app.inbox.get();
    const route = app.router.get();
    const list = route.name === 'archived' || (route.name === 'chat' && archived.includes(route.address)) ? archived : [...chats, ...people];
    const at = route.name === 'chat' ? list.indexOf(route.address) : -1;
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    if (next !== undefined) app.router.go({ name: 'chat', address: next, details: false }, { replace: route.name === 'chat' });
  };
  const escape = (): void => {
    const route = app.router.get();
    if (route.name === 'chat' && route.details) app.router.up();
    else if (route.name === 'settings' || route.name === 'requests' || route.name === 'archived') app.router.go({ name: 'home' });
    else if (route.name === 'chat') {
      const row = document.querySelector<HTMLElement>(`.list-pane [data-address="${CSS.escape(route.address)}"]`);
      if (row?.checkVisibility()) row.focus();
      else app.router.go({ name: 'home' });
    }
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && !event.altKey && !event.shiftKey && key === 'k') {
      event.preventDefault();
      if (app.overlays.get()?.name === 'switcher') app.overlays.close();
      else app.overlays.open({ name: 'switcher' });
      return;
    }
    if (document.querySelector('dialog[open]')) return; // Esc and everything else belong to the dialog
    if (command && (key === '/' || key === '?')) app.overlays.open({ name: 'shortcuts' });
    else if (command && key === ',') app.router.go({ name: 'settings', section: 'profile' });
    else if (event.altKey && !command && event.code === 'KeyN') app.overlays.open({ name: 'new-chat' });
    else if (event.altKey && !command && event.key === 'ArrowDown') step(1);
    else if (event.altKey && !command && event.key === 'ArrowUp') step(-1);
    else if (event.key === '?' && !command && !typing(event.target)) app.overlays.open({ name: 'shortcuts' });
    else if (event.key === 'Escape') escape();
    else return;
    event.preventDefault();
  };
  document.addEventListener('keydown', pressed);
  onCleanup(() => document.removeEventListener('keydown', pressed));
}
