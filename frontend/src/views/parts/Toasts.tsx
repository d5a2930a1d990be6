import { Check, CircleAlert, MonitorSmartphone, X } from 'lucide';
import { createEffect, For, type JSX, Show, useContext } from 'solid-js';
import { Portal } from 'solid-js/web';
import type { Notice } from '../../stores/notices';
import { read } from '../adapter';
import { useView } from '../context';
import { UpdateNotice } from '../device/UpdateNotice';
import { LayersContext } from '../layers';
import { Button, IconButton } from './Button';
import { Icon } from './Icon';

/**
 * Short notices at the edge of the window. What went well is said politely; errors are said at once and stay. They belong to the
 * topmost dialog while one is open, or nobody could see, hear or close them.
 */
export function Toasts(): JSX.Element {
  const { app, t } = useView();
  const layers = useContext(LayersContext);
  const notices = read(app.notices);
  const text = (notice: Notice): string => (notice.kind === 'done' ? t().done[notice.what] : t().reason(notice.reason));
  const session = read(app.session);
  const lookAtDevices = (): void => {
    app.overlays.close();
    app.router.go({ name: 'settings', section: 'devices' });
  };
  let shown!: HTMLDivElement;
  // What is moved in the document leaves the top layer; the last to come lies above the others.
  createEffect(() => {
    layers?.top();
    if (!('showPopover' in shown)) return; // an older browser: inside of the dialog it can be seen at least
    queueMicrotask(() => { if (shown.isConnected && !shown.matches(':popover-open')) shown.showPopover(); });
  });
  return (
    <Portal mount={layers?.top() ?? document.body}>
      <div ref={shown} class="toasts" role="status" aria-live="polite" popover="manual">
        <UpdateNotice />
        <Show when={session().newDevice}>
          <div class="toast toast-look">
            <Icon of={MonitorSmartphone} />
            <p>{t().ownDevice.told}</p>
            <Button look="quiet" onClick={lookAtDevices}>{t().ownDevice.look}</Button>
            <IconButton icon={X} label={t().common.close} onClick={() => void app.attempt(() => app.core.seenOwnDevices())} />
          </div>
        </Show>
        <For each={notices()}>
          {(notice) => (
            <div class={`toast toast-${notice.kind}`}>
              <Icon of={notice.kind === 'done' ? Check : CircleAlert} />
              <p>{text(notice)}</p>
              <IconButton icon={X} label={t().common.close} onClick={() => app.notices.close(notice.id)} />
            </div>
          )}
        </For>
      </div>
    </Portal>
  );
}
