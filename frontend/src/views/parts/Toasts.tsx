import { Check, CircleAlert, X } from 'lucide';
import { For, type JSX } from 'solid-js';
import type { Notice } from '../../stores/notices';
import { read } from '../adapter';
import { useView } from '../context';
import { UpdateNotice } from '../device/UpdateNotice';
import { IconButton } from './Button';
import { Icon } from './Icon';

/** Short notices at the edge of the window. What went well is said politely; errors are said at once and stay. */
export function Toasts(): JSX.Element {
  const { app, t } = useView();
  const notices = read(app.notices);
  const text = (notice: Notice): string => (notice.kind === 'done' ? t().done[notice.what] : t().reason(notice.reason));
  return (
    <div class="toasts" role="status" aria-live="polite">
      <UpdateNotice />
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
  );
}
