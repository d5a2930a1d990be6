import { PinOff } from 'lucide';
import { createMemo, For, type JSX, Show } from 'solid-js';
import type { Address, Message } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { authorOf, mayWrite } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { rove } from '../parts/rove';
import { inWords } from './words';

/** Everything that stands above a chat. */
export default function PinsDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t, formats, now } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.address));
  const conversation = app.conversations.of(props.address);
  const pinned = read(conversation.pinned);
  const show = (message: Message): void => {
    app.overlays.close();
    void conversation.aim(message);
  };
  let list!: HTMLUListElement;
  return (
    <Dialog title={t().pins.title} onClose={() => app.overlays.close()}>
      <p class="quiet">{t().pins.hint}</p>
      <Show when={pinned().length > 0} fallback={<p class="quiet pick-none">{t().pins.none}</p>}>
        <ul ref={list} class="pick pins" role="list" onKeyDown={(event) => rove(event, [...list.querySelectorAll<HTMLElement>('.nav-line')])}>
          <For each={pinned()}>
            {(message) => (
              <li>
                <button type="button" class="nav-line" onClick={() => show(message)}>
                  <span class="nav-line-text">
                    <small><bdi>{message.outgoing ? t().common.you : authorOf(contacts(), chat(), message)}</bdi> · {formats().brief(message.at, now())}</small>
                    <span class="pins-text own-direction" dir="auto">{message.location ? inWords(t(), message) : message.file?.sticker ? message.file.sticker.description === '' ? t().sticker.kind : t().sticker.named(message.file.sticker.description) : message.file ? `${t().chat.fileKinds[message.file.kind]}: ${message.file.name}` : message.text}</span>
                  </span>
                </button>
                <Show when={mayWrite(chat(), contacts().get(props.address))}>
                  <IconButton icon={PinOff} label={t().pins.unpin} onClick={() => void app.attempt(() => conversation.pin(message))} />
                </Show>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </Dialog>
  );
}
