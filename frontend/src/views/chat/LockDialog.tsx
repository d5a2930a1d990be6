import { ChevronRight, QrCode } from 'lucide';
import { createMemo, type JSX, Show } from 'solid-js';
import type { Address, Chat } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { sortedMembers } from '../../stores/groups';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Keyed } from '../parts/Keyed';
import { lockIcons } from '../parts/Marks';
import { DeviceList } from './DeviceList';
import './lock.css';

/** What the lock of a chat means, and whose devices it is for. */
export default function LockDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const session = read(app.session);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.address));
  return (
    <Show when={chat().kind === 'direct'} fallback={<GroupLock chat={chat()} />}>
      <Dialog title={t().lock.title(chat().title)} onClose={() => app.overlays.close()}>
        <div class={`lock-state lock-${chat().lock}`}>
          <span class="lock-state-icon"><Icon of={lockIcons[chat().lock]} /></span>
          <div>
            <b>{t().lock[chat().lock]}</b>
            <p>{chat().optOut?.agreed && chat().lock === 'unencrypted' ? t().optOut.lockText(chat().title) : t().lock.text[chat().lock](chat().title)}</p>
          </div>
        </div>
        <Show when={chat().lock === 'encrypted'}>
          <div class="lock-verify">
            <p>{t().lock.verifyHint(chat().title)}</p>
            <Button icon={QrCode} look="primary" onClick={() => app.overlays.open({ name: 'verify', address: props.address })}>{t().lock.verify}</Button>
          </div>
        </Show>
        <h3>{t().lock.devicesOf(chat().title)}</h3>
        <DeviceList address={props.address} />
        <p class="quiet">{t().lock.distrustHint}</p>
        <Show when={session().address}>
          {(own) => (
            <>
              <h3>{t().lock.ownDevices}</h3>
              <DeviceList address={own()} />
            </>
          )}
        </Show>
      </Dialog>
    </Show>
  );
}

/** What the lock of a group means: it is as good as that of each of its members. */
function GroupLock(props: { readonly chat: Chat }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const members = new Resource(() => app.core.members(props.chat.id));
  const state = read(members);
  const others = createMemo(() => {
    const now = state();
    return now.status === 'ready' ? sortedMembers(now.value).filter((member) => !member.self) : [];
  });
  return (
    <Dialog title={t().group.lockTitle(props.chat.title)} onClose={() => app.overlays.close()}>
      <div class={`lock-state lock-${props.chat.lock}`}>
        <span class="lock-state-icon"><Icon of={lockIcons[props.chat.lock]} /></span>
        <div>
          <b>{t().lock[props.chat.lock]}</b>
          <p>{t().group.lockText[props.chat.lock]}</p>
        </div>
      </div>
      <Show when={props.chat.group?.privacy === 'private' && others().length > 0}>
        <h3>{t().group.lockMembers}</h3>
        <ul class="card" role="list">
          <Keyed each={others()} by={(member) => member.address}>
            {(member) => {
              const lock = createMemo(() => chatWith(chats(), contacts(), member().address).lock);
              return (
                <li>
                  <button type="button" class="nav-line" onClick={() => app.overlays.open({ name: 'lock', address: member().address })}>
                    <Avatar address={member().address} name={member().name} size="small" />
                    <span class="nav-line-text">
                      <bdi class="own-direction">{member().name}</bdi>
                      <small class={`lock-${lock()}`}>{lock() === 'unencrypted' ? t().group.notReading : t().lock[lock()]}</small>
                    </span>
                    <Icon of={ChevronRight} mirror />
                  </button>
                </li>
              );
            }}
          </Keyed>
        </ul>
      </Show>
    </Dialog>
  );
}
