import { createEffect, ErrorBoundary, type JSX, on } from 'solid-js';
import { CircleAlert } from 'lucide';
import { useSpeech } from '../context';
import { Button } from './Button';
import { Icon } from './Icon';

/** Keeps a fault in one part of the app from taking the rest with it. It is told in its place, and over when `place` changes. */
export function Contained(props: { readonly place?: unknown; readonly children: JSX.Element }): JSX.Element {
  return (
    <ErrorBoundary
      fallback={(_, reset) => {
        createEffect(on(() => props.place, reset, { defer: true }));
        return <Broken />;
      }}
    >
      {props.children}
    </ErrorBoundary>
  );
}

function Broken(): JSX.Element {
  const { t } = useSpeech();
  return (
    <main class="page" id="main">
      <div class="failed" role="alert">
        <Icon of={CircleAlert} />
        <p>{t().reason({ code: 'internal' })}</p>
        <Button onClick={() => location.reload()}>{t().common.reload}</Button>
      </div>
    </main>
  );
}
