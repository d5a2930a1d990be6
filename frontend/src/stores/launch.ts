import type { App } from './app';
import type { Overlay } from './overlays';
import { parseRoute } from './route';

/** What the shortcuts of the installed app open: `/?open=new-chat`. */
const openers: Readonly<Record<string, Overlay>> = { 'new-chat': { name: 'new-chat' }, 'invite': { name: 'invite' } };

/** Goes where somebody was led from outside the page: by a notification, a shortcut, a link. `path` may have a query. */
export function launch(app: Pick<App, 'router' | 'overlays' | 'session'>, path: string): void {
  const [place = '/', query] = path.split('?');
  app.router.go(parseRoute(place));
  const overlay = openers[new URLSearchParams(query).get('open') ?? ''];
  const { phase } = app.session.get();
  if (overlay && phase !== 'none' && phase !== 'locked') app.overlays.open(overlay);
}
