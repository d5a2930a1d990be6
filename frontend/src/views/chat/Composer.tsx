import { SendHorizontal } from 'lucide';
import { createEffect, createSignal, type JSX, on, onCleanup, onMount, Show } from 'solid-js';
import type { Chat } from '../../core/api';
import type { Conversation, SendResult } from '../../stores/conversation';
import { read } from '../adapter';
import { useView } from '../context';
import { media, touch } from '../media';
import { IconButton } from '../parts/Button';
import { Confirm } from '../parts/Dialog';

type Props = { readonly conversation: Conversation; readonly chat: Chat; readonly onUntrusted: () => void };

const sizesItself = CSS.supports('field-sizing', 'content');

/** Where one writes. Enter sends with a keyboard and makes a new line on glass. */
export function Composer(props: Props): JSX.Element {
  const { app, t } = useView();
  const draft = read(props.conversation.draft);
  const session = read(app.session);
  const mute = (): boolean => session().cryptoError !== undefined;
  const onGlass = media(touch);
  const [asked, setAsked] = createSignal<{ readonly before: boolean }>();
  let field!: HTMLTextAreaElement;

  const grow = (): void => {
    if (sizesItself) return;
    field.style.setProperty('height', 'auto');
    field.style.setProperty('height', `${field.scrollHeight}px`);
  };
  createEffect(on(draft, () => {
    if (field.value !== draft()) field.value = draft();
    grow();
  }));
  onMount(() => {
    if (!onGlass()) field.focus({ preventScroll: true });
    const store = (): void => props.conversation.flushDraft();
    window.addEventListener('pagehide', store);
    onCleanup(() => window.removeEventListener('pagehide', store));
  });

  const took = (result: SendResult): void => {
    if (result.sent === 'ask') setAsked({ before: result.before });
    else if (result.sent === 'no' && result.reason.code === 'untrusted') props.onUntrusted();
    else if (result.sent === 'no') app.notices.error(result.reason);
  };
  const submit = async (): Promise<void> => {
    field.focus({ preventScroll: true });
    if (mute()) return;
    took(await props.conversation.submit());
  };
  const agree = async (): Promise<void> => {
    setAsked(undefined);
    took(await props.conversation.submit({ unencrypted: true }));
  };
  const keys = (event: KeyboardEvent): void => {
    // 229: an input method is composing; Enter belongs to it.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey && (!onGlass() || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void submit();
    } else if (event.key === 'ArrowUp' && draft() === '' && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const last = document.querySelector<HTMLElement>('.messages [data-stop="true"]');
      if (!last) return;
      event.preventDefault();
      last.focus();
    }
  };
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <div class="composer-line" classList={{ 'composer-open': props.chat.lock === 'unencrypted' }}>
        <textarea
          ref={field} id="composer" rows="1" dir="auto" enterkeyhint={onGlass() ? 'enter' : 'send'}
          aria-label={t().chat.compose(props.chat.title)}
          placeholder={props.chat.lock === 'unencrypted' ? t().chat.placeholderOpen : t().chat.placeholder}
          onInput={(event) => props.conversation.write(event.currentTarget.value)}
          onKeyDown={keys} onBlur={() => props.conversation.stopTyping()}
        />
        <IconButton type="submit" class="composer-send" icon={SendHorizontal} mirror label={t().chat.send} disabled={mute() || draft().trim() === ''} />
      </div>
      <Show when={asked()}>
        {(question) => (
          <Confirm
            title={t().lock.confirmTitle} action={t().lock.confirmSend} danger
            text={question().before ? t().lock.confirmBefore(props.chat.title) : t().lock.confirmText(props.chat.title)}
            onConfirm={() => void agree()} onCancel={() => setAsked(undefined)}
          />
        )}
      </Show>
    </form>
  );
}
