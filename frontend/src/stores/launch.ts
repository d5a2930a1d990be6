import type { App } from './app';
import type { Overlay } from './overlays';
import { parseRoute } from './route';

/** What the shortcuts of the installed app open: `/?open=new-chat`. */
const openers: Readonly<Record<string, Overlay>> = { 'new-chat': { name: 'new-chat' }, 'invite': { name: 'invite' } };

/** The account that a path is meant for, as those of notifications say. */
export function accountOf(path: string): string | undefined {
  return new URLSearchParams(path.split('#')[0]?.split('?')[1]).get('account') ?? undefined;
}

/** Goes where somebody was led from outside the page: by a notification, a shortcut, a link. `path` may have a query and a fragment. */
export async function launch(app: Pick<App, 'router' | 'overlays' | 'session' | 'accounts'>, path: string): Promise<void> {
  const [before = '/', fragment] = path.split('#', 2);
  const [place = '/', query] = before.split('?');
  const account = accountOf(path);
  // What is of an account that is not here any more leads nowhere.
  if (account !== undefined && !await app.accounts.switch(account).catch(() => false)) return;
  app.router.go(parseRoute(fragment === undefined ? place : `${place}#${fragment}`));
  const overlay = openers[new URLSearchParams(query).get('open') ?? ''];
  const { phase } = app.session.get();
  if (overlay && phase !== 'none' && phase !== 'locked') app.overlays.open(overlay);
}
