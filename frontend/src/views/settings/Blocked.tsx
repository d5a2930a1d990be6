import { UserCheck } from 'lucide';
import { createMemo, For, type JSX, Show } from 'solid-js';
import { blocked, shownName } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Empty } from '../parts/states';

export function Blocked(): JSX.Element {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const list = createMemo(() => blocked(contacts()));
  return (
    <Show when={list().length > 0} fallback={<Empty icon={UserCheck} title={t().settings.blocked.none} />}>
      <p class="quiet">{t().settings.blocked.text}</p>
      <ul class="card" role="list">
        <For each={list()}>
          {(contact) => (
            <li class="device-line">
              <Avatar address={contact.address} name={shownName(contact, contact.address)} size="small" />
              <span class="device-names"><b><bdi>{shownName(contact, contact.address)}</bdi></b><small><bdi dir="ltr">{contact.address}</bdi></small></span>
              <button
                type="button" class="text-button" aria-label={`${t().settings.blocked.unblock}: ${shownName(contact, contact.address)}`}
                onClick={() => void app.attempt(() => app.core.unblock(contact.address), 'unblocked')}
              >
                {t().settings.blocked.unblock}
              </button>
            </li>
          )}
        </For>
      </ul>
    </Show>
  );
}
