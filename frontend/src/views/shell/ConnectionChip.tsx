import { CloudOff, RefreshCw } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, on, onCleanup, Show } from 'solid-js';
import { connectionNotice } from '../../stores/session';
import { read } from '../adapter';
import { useView } from '../context';
import { Icon } from '../parts/Icon';

const grace = 2000;

/** How the connection is, once that has been so for two seconds. Floats, so nothing moves. */
export function ConnectionChip(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const notice = createMemo(() => connectionNotice(session()));
  const troubled = createMemo(() => notice() !== undefined);
  const [shown, setShown] = createSignal(false);
  const [now, setNow] = createSignal(Date.now());
  let wait: ReturnType<typeof setTimeout> | undefined;
  // The grace runs once: "offline" after "connecting" is the same trouble going on.
  createEffect(on(troubled, (trouble) => {
    clearTimeout(wait);
    if (trouble) wait = setTimeout(() => setShown(true), grace);
    else setShown(false);
  }));
  const clock = setInterval(() => setNow(Date.now()), 1000);
  onCleanup(() => {
    clearTimeout(wait);
    clearInterval(clock);
  });
  const offline = () => {
    const it = notice();
    return it?.kind === 'offline' ? it : undefined;
  };
  const seconds = (): number | undefined => {
    const at = offline()?.retryAt;
    return at === undefined ? undefined : Math.max(0, Math.ceil((at - now()) / 1000));
  };
  /** Told to screen readers without the counting. */
  const spoken = (): string => {
    switch (shown() ? notice()?.kind : undefined) {
      case 'offline': return t().connection.offline;
      case 'connecting': return t().connection.connecting;
      case 'catching-up': return t().connection.catchingUp;
      default: return '';
    }
  };
  const text = (): string => {
    const left = seconds();
    if (!offline()) return spoken();
    if (left === undefined) return t().connection.offline;
    return left === 0 ? t().connection.retrying : t().connection.offlineRetry(left);
  };
  return (
    <div class="connection">
      <span class="hidden" role="status">{spoken()}</span>
      <Show when={shown() && notice()}>
        <div class="chip" title={((reason) => (reason ? t().reason(reason) : undefined))(offline()?.reason)}>
          <Icon of={offline() ? CloudOff : RefreshCw} />
          <span aria-hidden="true">{text()}</span>
          <Show when={offline()}>
            <button type="button" class="text-button" onClick={() => void app.core.reconnect().catch(() => undefined)}>{t().connection.now}</button>
          </Show>
        </div>
      </Show>
    </div>
  );
}
