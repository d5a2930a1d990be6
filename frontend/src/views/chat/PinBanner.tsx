import { ListChecks, Pin } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, on, Show, untrack } from 'solid-js';
import type { Chat } from '../../core/api';
import type { Conversation } from '../../stores/conversation';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { inWords } from './words';

/** What stands above the chat. Pressed, it leads there, and shows the next one. */
export function PinBanner(props: { readonly conversation: Conversation; readonly chat: Chat }): JSX.Element {
  const { app, t, formats } = useView();
  const conversation = untrack(() => props.conversation);
  const pinned = read(conversation.pinned);
  const [at, setAt] = createSignal(0);
  createEffect(on(pinned, (all) => { if (at() >= all.length) setAt(0); }, { defer: true }));
  const shown = createMemo(() => pinned()[at()] ?? pinned()[0]);
  const go = (): void => {
    const message = shown();
    if (!message) return;
    void conversation.aim(message);
    setAt((at() + 1) % pinned().length);
  };
  const title = (): string => (pinned().length > 1 ? t().pins.of(formats().number(at() + 1), formats().number(pinned().length)) : t().pins.one);
  return (
    <Show when={shown()}>
      {(message) => (
        <div class="pin-banner">
          <button type="button" class="pin-shown" onClick={go} title={t().pins.show}>
            <Icon of={Pin} />
            <span class="pin-text">
              <b>{title()}</b>
              <span dir="auto">{message().location ? inWords(t(), message()) : message().file?.sticker ? t().sticker.kind : message().text || (message().file ? t().chat.fileKinds[message().file!.kind] : '')}</span>
            </span>
          </button>
          <IconButton icon={ListChecks} label={t().pins.all} onClick={() => app.overlays.open({ name: 'pins', address: props.chat.id })} />
        </div>
      )}
    </Show>
  );
}
