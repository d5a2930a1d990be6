import { RefreshCw, X } from 'lucide';
import { type JSX, Show } from 'solid-js';
import { read } from '../adapter';
import { useView } from '../context';
import { Button, IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';

/** A new version waits. It stays until one of the two is done: nobody is taken out of what they are doing. */
export function UpdateNotice(): JSX.Element {
  const { app, t } = useView();
  const state = read(app.updates);
  return (
    <Show when={state() === 'ready' || state() === 'applying'}>
      <div class="toast">
        <Icon of={RefreshCw} />
        <p>{t().device.update.ready}</p>
        <Button look="quiet" busy={state() === 'applying'} onClick={() => app.updates.apply()}>{t().common.reload}</Button>
        <IconButton icon={X} label={t().device.update.later} onClick={() => app.updates.later()} />
      </div>
    </Show>
  );
}
