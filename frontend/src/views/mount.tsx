import { lazy, Suspense } from 'solid-js';
import { render } from 'solid-js/web';
import type { App } from '../stores/app';
import type { PreferencesStore } from '../stores/preferences';
import type { Missing } from '../stores/support';
import { Root } from './Root';
import { Speaking } from './Speaking';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/controls.css';

const Unsupported = lazy(() => import('./entry/Unsupported'));

/** Shows the app in an element. */
export function mountApp(app: App, element: HTMLElement): () => void {
  return render(() => <Root app={app} />, element);
}

/** Shows why there is no app. */
export function mountUnsupported(missing: Missing, preferences: PreferencesStore, element: HTMLElement): () => void {
  return render(() => <Speaking preferences={preferences}><Suspense><Unsupported missing={missing} /></Suspense></Speaking>, element);
}
