import { Search } from 'lucide';
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import type { Address, Message } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { mayWrite } from '../../stores/groups';
import { findChats } from '../../stores/switcher';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { rove } from '../parts/rove';
import { inWords } from './words';

/** Sends what somebody wrote on to another chat. */
export default function ForwardDialog(props: { readonly message: Message }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const [query, setQuery] = createSignal('');
  const found = createMemo(() => findChats(query(), chats(), contacts())
    .map((address) => chatWith(chats(), contacts(), address)).filter((chat) => mayWrite(chat, contacts().get(chat.id)) && chat.lock !== 'unencrypted'));
  /** A file is encrypted anew, with a key that only those have who get it now. */
  const pass = async ({ chat, id, text, file }: Message, address: Address): Promise<unknown> => {
    if (!file) return app.core.send(address, text);
    const { kind: _, size: __, uploading: ___, sticker: ____, ...facts } = file;
    return app.core.sendFile(address, await app.core.fetchFile(chat, id), { ...facts, id: crypto.randomUUID(), caption: text });
  };
  const send = async (address: Address): Promise<void> => {
    app.overlays.close();
    if (await app.attempt(() => pass(props.message, address), 'forwarded')) app.router.go({ name: 'chat', address, details: false });
  };
  let list!: HTMLUListElement;
  return (
    <Dialog title={t().chat.forwardTo} onClose={() => app.overlays.close()}>
      <blockquote class="info-text" dir="auto">{props.message.location ? inWords(t(), props.message) : props.message.text}</blockquote>
      <form onSubmit={(event) => { event.preventDefault(); const first = found()[0]; if (first && query().trim() !== '') void send(first.id); }}>
        <Field
          label={t().newChat.search} value={query()} onInput={setQuery} autocomplete="off" spellcheck={false} enterkeyhint="send" autofocus
          after={<span class="field-icon"><Icon of={Search} /></span>}
        />
      </form>
      <Show when={found().length > 0} fallback={<p class="quiet pick-none">{t().switcher.none}</p>}>
        <ul ref={list} class="pick" role="list" onKeyDown={(event) => rove(event, [...list.querySelectorAll<HTMLElement>('button')])}>
          <For each={found()}>
            {(chat) => (
              <li>
                <button type="button" class="nav-line" onClick={() => void send(chat.id)}>
                  <Avatar address={chat.id} name={chat.title} size="small" group={chat.kind === 'group'} />
                  <span class="nav-line-text"><bdi class="own-direction">{chat.title}</bdi></span>
                </button>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </Dialog>
  );
}
