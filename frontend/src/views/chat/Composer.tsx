import { Check, File as FileIcon, MapPin, Paperclip, Pencil, Reply, SendHorizontal, Smile, X } from 'lucide';
import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, onMount, Show } from 'solid-js';
import { Dynamic } from 'solid-js/web';
import type { Chat, Member, Sticker } from '../../core/api';
import type { Conversation, SendResult } from '../../stores/conversation';
import { authorOf, type Mention, mentionable, mentionAt, withMention } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { media, touch } from '../media';
import { Avatar } from '../parts/Avatar';
import { IconButton } from '../parts/Button';
import { Confirm } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Menu, type MenuItem } from '../parts/Menu';
import { MicButton } from '../voice/MicButton';
import type { Press } from '../voice/press';
import { EmojiPopup } from './EmojiPopup';
import { FileTray } from './FileTray';
import { inWords } from './words';

type Props = { readonly conversation: Conversation; readonly chat: Chat; readonly untrusted: boolean; readonly onUntrusted: () => void };

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

  // ── what is answered or corrected, and emoji ──

  const staged = read(props.conversation.staged);
  const contacts = read(app.contacts);
  const [picker, setPicker] = createSignal<DOMRect>();
  const insert = (emoji: string): void => {
    setPicker(undefined);
    const { selectionStart: from, selectionEnd: to, value } = field;
    const text = value.slice(0, from) + emoji + value.slice(to);
    props.conversation.write(text);
    field.value = text;
    queueMicrotask(() => {
      field.focus({ preventScroll: true });
      field.setSelectionRange(from + emoji.length, from + emoji.length);
    });
    grow();
  };

  /** At once: what was begun in the composer stays there. */
  const sendSticker = async (sticker: Sticker): Promise<void> => {
    setPicker(undefined);
    if (!onGlass()) field.focus({ preventScroll: true });
    if (!mute()) took(await props.conversation.sendSticker(sticker));
  };

  // ── files ──

  const files = read(props.conversation.files);
  const setFiles = (list: readonly File[]): void => props.conversation.stage(list);
  const [over, setOver] = createSignal(false);
  const mayAttach = (): boolean => props.chat.lock !== 'unencrypted';
  const take = (list: FileList | null | undefined): boolean => {
    const given = [...list ?? []].filter((file) => file.size > 0);
    if (given.length === 0 || !mayAttach()) return false;
    // What is said beside files is no correction of something else.
    if (staged()?.kind === 'edit') props.conversation.unstage();
    setFiles([...files(), ...given]);
    return true;
  };
  onMount(() => {
    const holds = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const dragged = (event: DragEvent): void => {
      if (!holds(event)) return;
      event.preventDefault();
      setOver(mayAttach());
    };
    const left = (event: DragEvent): void => { if (event.relatedTarget === null) setOver(false); };
    const dropped = (event: DragEvent): void => {
      setOver(false);
      if (!holds(event)) return;
      event.preventDefault();
      take(event.dataTransfer?.files);
    };
    document.addEventListener('dragover', dragged);
    document.addEventListener('dragleave', left);
    document.addEventListener('drop', dropped);
    onCleanup(() => {
      document.removeEventListener('dragover', dragged);
      document.removeEventListener('dragleave', left);
      document.removeEventListener('drop', dropped);
    });
  });
  let chooser!: HTMLInputElement;
  const [attaching, setAttaching] = createSignal<DOMRect>();
  const attachments = (): readonly MenuItem[] => [
    { label: t().chat.attach, icon: FileIcon, run: () => chooser.click() },
    { label: t().location.kind, icon: MapPin, run: () => app.overlays.open({ name: 'location', address: props.chat.id }) },
  ];

  // ── voice messages ──

  const voice = read(props.conversation.voice);
  const [press, setPress] = createSignal<Press>();
  const [voiceBar, setVoiceBar] = createSignal<typeof import('../voice/VoiceBar').default>();
  /** One records, or hears what one has recorded, instead of writing. */
  const speaking = (): boolean => press() !== undefined || voice() !== undefined;
  /** There is nothing to send, so one may speak. */
  const maySpeak = (): boolean => draft().trim() === '' && mayAttach() && !mute() && staged()?.kind !== 'edit';
  createEffect(on(speaking, (now) => {
    if (!now || voiceBar()) return;
    void import('../voice/VoiceBar').then((part) => setVoiceBar(() => part.default), () => {
      setPress(undefined);
      app.notices.error({ code: 'network' });
    });
  }));
  const pressed = (now: Press): void => { setPress(now.phase === 'cancelled' && !voiceBar() ? undefined : now); };
  const silent = (): void => {
    setPress(undefined);
    if (!onGlass()) queueMicrotask(() => field.focus({ preventScroll: true }));
  };

  // ── mentions ──

  const group = (): boolean => props.chat.kind === 'group';
  const [people, setPeople] = createSignal<readonly Member[]>([]);
  const [mention, setMention] = createSignal<Mention>();
  const [chosen, setChosen] = createSignal(0);
  const meant = createMemo(() => {
    const now = mention();
    return now ? mentionable(people(), now.query) : [];
  });
  const look = (): void => {
    const now = group() && field.selectionStart === field.selectionEnd ? mentionAt(field.value, field.selectionStart) : undefined;
    if (now && !mention()) void app.core.members(props.chat.id).then(setPeople, () => undefined);
    setMention(now);
    setChosen(0);
  };
  const mentioned = (member: Member): void => {
    const now = mention();
    if (!now) return;
    const { text, cursor } = withMention(field.value, field.selectionStart, now, member);
    setMention(undefined);
    props.conversation.write(text);
    field.value = text;
    field.focus({ preventScroll: true });
    field.setSelectionRange(cursor, cursor);
    grow();
  };
  /** Keys that belong to the list of people while it is open. */
  const choosing = (event: KeyboardEvent): boolean => {
    const list = meant();
    if (list.length === 0) return false;
    switch (event.key) {
      case 'ArrowDown': setChosen((chosen() + 1) % list.length); break;
      case 'ArrowUp': setChosen((chosen() + list.length - 1) % list.length); break;
      case 'Enter': case 'Tab': {
        const member = list[chosen()];
        if (event.shiftKey || !member) return false;
        mentioned(member);
        break;
      }
      case 'Escape': setMention(undefined); break;
      default: return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

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
    if (event.isComposing || event.keyCode === 229 || choosing(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey && (!onGlass() || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void submit();
    } else if (event.key === 'ArrowUp' && draft() === '' && !event.altKey && !event.ctrlKey && !event.metaKey) {
      // One's own last word is mostly the one to correct; with what others wrote since, one rather looks at that.
      const own = event.shiftKey ? undefined : props.conversation.lastWord();
      const last = document.querySelector<HTMLElement>('.messages [data-stop="true"]');
      if (!own && !last) return;
      event.preventDefault();
      if (own) props.conversation.correct(own);
      else last?.focus();
    } else if (event.key === 'Escape' && staged()) {
      event.preventDefault();
      event.stopPropagation();
      props.conversation.unstage();
    }
  };
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <Show when={meant().length > 0}>
        <ul class="mention-list" id="mention-list" role="listbox" aria-label={t().group.mentionList}>
          <For each={meant()}>
            {(member, i) => (
              <li
                id={`mention-${i()}`} role="option" aria-selected={chosen() === i()} class="mention"
                onPointerMove={() => setChosen(i())} onPointerDown={(event) => event.preventDefault()} onClick={() => mentioned(member)}
              >
                <Avatar address={member.address} name={member.name} size="tiny" /><bdi>{member.name}</bdi>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Show when={staged()}>
        {(now) => (
          <div class="staged">
            <Icon of={now().kind === 'edit' ? Pencil : Reply} />
            <div class="staged-text">
              <b dir="auto">{now().kind === 'edit' ? t().chat.editing : now().message.outgoing ? t().chat.replyOwn : t().chat.replyTo(authorOf(contacts(), props.chat, now().message))}</b>
              <span dir="auto">{now().message.location || now().message.file?.voice ? inWords(t(), now().message) : now().message.file?.sticker ? now().message.file?.sticker?.description || t().sticker.kind : now().message.text || now().message.file?.name}</span>
            </div>
            <IconButton icon={X} label={now().kind === 'edit' ? t().chat.cancelEdit : t().chat.cancelReply} onClick={() => { props.conversation.unstage(); field.focus({ preventScroll: true }); }} />
          </div>
        )}
      </Show>
      <div class="composer-line" classList={{ 'composer-open': props.chat.lock === 'unencrypted', 'composer-voice': speaking() }}>
        <Show when={mayAttach()}>
          <IconButton class="composer-attach" icon={Paperclip} label={t().chat.attachMenu} aria-haspopup="menu" aria-expanded={attaching() !== undefined} onClick={(event) => setAttaching(event.currentTarget.getBoundingClientRect())} />
          <input ref={chooser} type="file" multiple hidden tabindex="-1" aria-hidden="true" onChange={(event) => { take(event.currentTarget.files); event.currentTarget.value = ''; }} />
        </Show>
        <textarea
          ref={field} id="composer" rows="1" dir="auto" enterkeyhint={onGlass() ? 'enter' : 'send'}
          aria-label={group() ? t().group.compose(props.chat.title) : t().chat.compose(props.chat.title)}
          aria-controls={meant().length > 0 ? 'mention-list' : undefined} aria-activedescendant={meant().length > 0 ? `mention-${chosen()}` : undefined}
          placeholder={props.chat.lock === 'unencrypted' ? t().chat.placeholderOpen : t().chat.placeholder}
          onInput={(event) => { props.conversation.write(event.currentTarget.value); look(); }}
          onKeyDown={keys} onClick={look} onPaste={(event) => { if (take(event.clipboardData?.files)) event.preventDefault(); }} onBlur={() => { props.conversation.stopTyping(); setMention(undefined); }}
        />
        <IconButton
          class="composer-emoji" icon={Smile} label={t().chat.emoji} aria-expanded={picker() !== undefined}
          onClick={(event) => setPicker(event.currentTarget.getBoundingClientRect())}
        />
        <Show when={speaking()}>
          <Show when={!voiceBar()}><div class="voice-bar" aria-busy="true" /></Show>
          <Dynamic component={voiceBar()} conversation={props.conversation} press={press()} onSent={took} onClose={silent} />
        </Show>
        <Show
          when={maySpeak()}
          fallback={<IconButton type="submit" class="composer-send" icon={staged()?.kind === 'edit' ? Check : SendHorizontal} mirror={staged()?.kind !== 'edit'} label={staged()?.kind === 'edit' ? t().common.save : t().chat.send} disabled={mute() || draft().trim() === ''} />}
        >
          <MicButton held={press()?.phase === 'held'} onPress={pressed} />
        </Show>
      </div>
      <Show when={over()}><div class="drop-here" aria-hidden="true"><span>{t().chat.fileDrop}</span></div></Show>
      <Show when={files().length > 0}>
        <FileTray
          conversation={props.conversation} chat={props.chat} files={files()} onFiles={setFiles} onMore={() => chooser.click()} onPaste={take}
          untrusted={props.untrusted} onUntrusted={props.onUntrusted} onSent={(result) => { if (!onGlass()) field.focus({ preventScroll: true }); took(result); }} />
      </Show>
      <Show when={attaching()}>{(anchor) => <Menu label={t().chat.attachMenu} anchor={anchor()} items={attachments()} onClose={() => setAttaching(undefined)} />}</Show>
      <Show when={picker()}>{(anchor) => <EmojiPopup anchor={anchor()} onChoose={insert} onSticker={mayAttach() ? (sticker) => void sendSticker(sticker) : undefined} onClose={() => setPicker(undefined)} />}</Show>
      <Show when={asked()}>
        {(question) => (
          <Confirm
            title={t().lock.confirmTitle} action={t().lock.confirmSend} danger
            text={group() ? (question().before ? t().group.sendOpenBefore : t().group.sendOpenText) : question().before ? t().lock.confirmBefore(props.chat.title) : t().lock.confirmText(props.chat.title)}
            onConfirm={() => void agree()} onCancel={() => setAsked(undefined)}
          />
        )}
      </Show>
    </form>
  );
}
