import { ArrowDown, CircleStop, Copy, Download, Forward, Image as ImageIcon, Info, LockOpen, Pencil, Pin, PinOff, Reply, RotateCw, SmilePlus, Sticker as StickerIcon, StickyNote, Timer, Trash, UserPlus } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, Match, on, onCleanup, Show, Switch, untrack } from 'solid-js';
import { Virtualizer, type VirtualizerHandle } from 'virtua/solid';
import type { Chat } from '../../core/api';
import type { Conversation } from '../../stores/conversation';
import type { Address, Message } from '../../core/api';
import { mayCorrect } from '../../stores/conversation';
import { authorOf, mayRetract, mayWrite, senderName } from '../../stores/groups';
import type { Row } from '../../stores/rows';
import { read } from '../adapter';
import { useView } from '../context';
import { Confirm } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Menu, type MenuItem } from '../parts/Menu';
import { EmojiPopup, QuickReactions } from './EmojiPopup';
import { Failed, Patiently } from '../parts/states';
import { linkTo, save } from './filesource';
import { MessageRow } from './MessageRow';
import { keptSticker } from './stickers';
import { Unreadable } from './Unreadable';

type MessageOf = Extract<Row, { kind: 'message' }>;

/** Closer to the end than this counts as being at the end. */
const nearEnd = 48;
/** Older messages are fetched while there are still this many pixels above. */
const fetchAhead = 800;
const pillFrom = 240;
const dateStays = 1200;

/** What was written, newest at the bottom. Only what can be seen is in the document. */
export function MessageList(props: { readonly conversation: Conversation; readonly chat: Chat; readonly looking: boolean }): JSX.Element {
  const { app, t, formats, now } = useView();
  const contacts = read(app.contacts);
  const session = read(app.session);
  const names = read(app.memberNames);
  const group = (): boolean => props.chat.kind === 'group';
  const conversation = untrack(() => props.conversation);
  const state = read(conversation);
  const keys = createMemo(() => state().rows.keys);
  const row = (key: string): Row | undefined => state().rows.byKey.get(key);

  let scroller!: HTMLDivElement;
  let handle: VirtualizerHandle | undefined;
  /** The view follows the end: new messages and growing boxes keep it there. */
  let following = true;
  const [settled, setSettled] = createSignal(false);
  const [away, setAway] = createSignal(false);
  const [focusKey, setFocusKey] = createSignal<string>();
  const [topDay, setTopDay] = createSignal<number>();
  const [menu, setMenu] = createSignal<{ row: MessageOf; anchor: DOMRect }>();
  const [sendOpen, setSendOpen] = createSignal<MessageOf>();

  const distanceToEnd = (): number => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  /** Once: while `following`, rows that turn out larger call it again. The list's own way would go on after one has scrolled up. */
  const toEnd = (): void => {
    scroller.scrollTop = scroller.scrollHeight;
  };

  /** Down to the newest; while nobody looks, only so far that what is new begins on the screen. */
  const follow = (): void => {
    const divider = keys().indexOf('unread');
    if (!props.looking && divider >= 0 && handle) {
      const furthest = handle.getItemOffset(divider) - scroller.clientHeight / 8;
      if (handle.scrollSize - scroller.clientHeight > furthest) {
        following = false;
        handle.scrollToIndex(divider, { align: 'start', offset: -Math.round(scroller.clientHeight / 8) });
        return;
      }
    }
    toEnd();
  };

  // ── where the list stands ──

  const target = read(conversation.target);
  /** The row that one wants to be led to, or the next one after it. */
  const aimedIndex = (): number => {
    const wanted = target();
    if (!wanted || state().status !== 'ready') return -1;
    const list = keys();
    const exact = list.indexOf(wanted.id);
    return exact >= 0 ? exact : list.findIndex((key) => {
      const its = row(key);
      return (its?.kind === 'message' && its.message.order >= wanted.order) || (its?.kind === 'unreadable' && (its.messages.at(-1)?.order ?? 0) >= wanted.order);
    });
  };
  /** Goes there, and shows for a moment where it is. */
  const arrive = (): void => {
    const index = aimedIndex();
    const key = keys()[index];
    if (key === undefined) return;
    conversation.target.set(undefined);
    following = false;
    newest = keys().at(-1);
    handle?.scrollToIndex(index, { align: 'center' });
    // Who is looking for words goes on looking; everybody else is where they wanted to be.
    if (document.activeElement?.closest('.chat-search')) setFocusKey(key);
    else focusRow(key);
    setShown(key);
    clearTimeout(shownTimer);
    shownTimer = setTimeout(() => setShown(undefined), 1500);
    requestAnimationFrame(look);
  };
  let shownTimer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(shownTimer));

  const place = (): void => {
    const aimed = aimedIndex();
    if (aimed >= 0) {
      following = false;
      handle?.scrollToIndex(aimed, { align: 'center' });
      return;
    }
    const divider = keys().indexOf('unread');
    following = divider < 0;
    if (following) toEnd();
    else handle?.scrollToIndex(divider, { align: 'start', offset: -Math.round(scroller.clientHeight / 8) });
  };
  /** Shows the list once its rows are measured and it stands where it belongs. */
  const settle = (): void => {
    place();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      setSettled(true);
      arrive();
      lastTop = scroller.scrollTop;
      lastHeight = scroller.scrollHeight;
      look();
    }));
  };

  let newest: string | undefined;
  createEffect(on([target, keys, () => state().status], () => {
    if (target() && settled()) queueMicrotask(arrive);
  }));
  createEffect(on(keys, (list) => {
    if (list.length === 0) return;
    if (!settled()) {
      newest = list.at(-1);
      queueMicrotask(settle);
      return;
    }
    const last = list.at(-1);
    const added = last !== newest;
    newest = last;
    const lastRow = last === undefined ? undefined : row(last);
    const own = added && lastRow?.kind === 'message' && lastRow.message.outgoing && lastRow.message.state === 'sending';
    if (own || (following && !state().hasNewer)) {
      following = true;
      queueMicrotask(own ? toEnd : follow);
    }
    requestAnimationFrame(look);
  }));

  /** Tells the store what is on the screen and asks it for what will be. */
  const look = (): void => {
    if (!handle || !settled() || !scroller.isConnected) return;
    const list = keys();
    const distance = distanceToEnd();
    setAway(distance > pillFrom || state().hasNewer);
    const end = distance <= nearEnd ? list.length - 1 : handle.findItemIndex(scroller.scrollTop + scroller.clientHeight - 24);
    for (let i = end; i >= 0; i--) {
      const seen = row(list[i] ?? '');
      if (seen?.kind !== 'message' && seen?.kind !== 'unreadable' && seen?.kind !== 'notice') continue;
      conversation.seen(seen.kind !== 'unreadable' ? seen.message.order : seen.messages.at(-1)?.order ?? 0);
      break;
    }
    if (scroller.scrollTop < fetchAhead) void conversation.loadOlder();
    if (distance < fetchAhead && state().hasNewer) void conversation.loadNewer();
  };

  let dateTimer: ReturnType<typeof setTimeout> | undefined;
  const showDate = (): void => {
    const list = keys();
    const first = row(list[handle?.findItemIndex(scroller.scrollTop + 40) ?? 0] ?? '');
    const at = first?.kind === 'message' ? first.message.at : first?.kind === 'unreadable' ? first.messages[0]?.at : undefined;
    setTopDay(at);
    clearTimeout(dateTimer);
    dateTimer = setTimeout(() => setTopDay(undefined), dateStays);
  };
  onCleanup(() => clearTimeout(dateTimer));

  let frame = 0;
  let lastTop = 0;
  let lastHeight = 0;
  const scrolled = (): void => {
    if (!settled()) return;
    // Going up by more than the list shrank is the person's wish; everything else may be rows that were measured.
    if (lastTop - scroller.scrollTop > Math.max(0, lastHeight - scroller.scrollHeight) + 1) following = false;
    if (distanceToEnd() <= nearEnd && !state().hasNewer) following = true;
    lastTop = scroller.scrollTop;
    lastHeight = scroller.scrollHeight;
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      look();
      if (!following) showDate();
    });
  };
  onCleanup(() => cancelAnimationFrame(frame));
  /** Rows or the window changed their size. The list takes its new height after this, but before it is painted. */
  const resized = (): void => queueMicrotask(() => {
    if (!settled()) place();
    else if (following) toEnd();
  });

  const jump = async (): Promise<void> => {
    if (state().hasNewer) await conversation.reload();
    following = true;
    toEnd();
    setAway(false);
    requestAnimationFrame(look);
  };

  // ── by keyboard ──

  const focusable = (key: string | undefined): boolean => {
    const kind = key === undefined ? undefined : row(key)?.kind;
    return kind === 'message' || kind === 'unreadable';
  };
  const stop = createMemo(() => {
    const chosen = focusKey();
    if (chosen !== undefined && state().rows.byKey.has(chosen)) return chosen;
    return keys().findLast((key) => focusable(key));
  });
  /** The row that Tab leads to, and the one that has the focus until that is in the document. */
  const [heldKey, setHeldKey] = createSignal<string>();
  const kept = createMemo(() => [...new Set([stop(), heldKey()].map((key) => keys().indexOf(key ?? '')))].filter((index) => index >= 0));
  const focusRow = (key: string): void => {
    setFocusKey(key);
    let index = -1;
    // Older rows that come meanwhile move it to another place.
    const lead = (): void => {
      const now = keys().indexOf(key);
      if (now < 0 || now === index) return;
      index = now;
      handle?.scrollToIndex(index, { align: 'nearest' });
    };
    lead();
    // It is brought into the document, hidden until it has been measured, and perhaps replaced while rows come in around it.
    let had = false;
    const focus = (frames: number): void => {
      if (focusKey() !== key) return;
      lead();
      const element = scroller.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
      if (!had || document.activeElement === document.body) element?.focus({ preventScroll: true });
      had ||= element !== null && document.activeElement === element;
      if (frames > 0) requestAnimationFrame(() => focus(frames - 1));
    };
    focus(30);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLElement) || event.altKey || event.ctrlKey || event.metaKey) return;
    const element = event.target.closest<HTMLElement>('[data-key]');
    const list = keys();
    // Where the focus is going, which is ahead of where it is while a row is being brought into the document.
    const at = list.indexOf(focusKey() ?? element?.dataset['key'] ?? '');
    switch (event.key) {
      case 'ArrowUp': case 'Home': {
        const before = event.key === 'Home' ? list.find(focusable) : list.slice(0, Math.max(0, at)).findLast(focusable);
        event.preventDefault();
        if (before) focusRow(before);
        return;
      }
      case 'ArrowDown': case 'End': {
        const after = event.key === 'End' ? list.findLast(focusable) : list.slice(at + 1).find(focusable);
        event.preventDefault();
        if (after) focusRow(after);
        else if (event.key === 'ArrowDown') document.getElementById('composer')?.focus();
        return;
      }
      case 'Enter': case ' ': case 'ContextMenu': {
        const chosen = row(list[at] ?? '');
        if (chosen?.kind !== 'message' || event.target !== element) return;
        event.preventDefault();
        openMenu(chosen, element.querySelector('.bubble')?.getBoundingClientRect() ?? element.getBoundingClientRect());
        return;
      }
      case 'r': case 'e': {
        const chosen = row(list[at] ?? '');
        if (chosen?.kind !== 'message' || event.target !== element) return;
        if (event.key === 'r' && mayReact(chosen.message)) compose(() => conversation.answer(chosen.message));
        else if (event.key === 'e' && mayCorrect(chosen.message) && writable()) compose(() => conversation.correct(chosen.message));
        else return;
        event.preventDefault();
        return;
      }
      case 'Escape':
        event.preventDefault(); // it is done; the app need not act on it too
        document.getElementById('composer')?.focus();
    }
  };

  // ── what can be done with a message ──

  const nameOf = (address: Address, name: string | undefined): string =>
    (address === session().address ? t().common.you : group() ? senderName(contacts(), address, name ?? names().get(props.chat.id)?.get(address)) : address === props.chat.id ? props.chat.title : senderName(contacts(), address, name));
  const nameable = createMemo((): readonly string[] => {
    const { displayName } = session();
    return group() ? [...names().get(props.chat.id)?.values() ?? [], ...(displayName === undefined ? [] : [displayName])] : [];
  });
  /** What somebody did to the chat. */
  const noticeText = (message: Message): string => {
    if (message.came) return t().group.came(message.came.map((who) => nameOf(who, undefined)).join(', '));
    if (message.optOut) return message.outgoing ? t().optOut.own : t().optOut.by(nameOf(message.from, message.name));
    const seconds = message.timerSet ?? 0, time = formats().duration(seconds);
    if (message.outgoing) return seconds === 0 ? t().timer.offOwn : t().timer.setOwn(time);
    const who = nameOf(message.from, message.name);
    return seconds === 0 ? t().timer.offBy(who) : t().timer.setBy(who, time);
  };
  const [picking, setPicking] = createSignal<{ row: MessageOf; anchor: DOMRect }>();
  const [deleting, setDeleting] = createSignal<MessageOf>();
  const [shown, setShown] = createSignal<string>();
  const writable = (): boolean => mayWrite(props.chat, contacts().get(props.chat.id));
  const mayReact = (message: Message): boolean => message.known && !message.retracted && message.problem === undefined && writable();
  const react = (chosen: MessageOf, emoji: string): void => {
    app.recentEmoji.used(emoji);
    void app.attempt(() => conversation.react(chosen.message, emoji));
  };
  const compose = (act: () => void): void => {
    act();
    queueMicrotask(() => document.getElementById('composer')?.focus());
  };
  /** Goes to the message that another one answers; the browser's "back" leads to where one was. */
  const goTo = async (message: Message): Promise<void> => {
    const id = message.reply?.id;
    if (id === undefined || !(await conversation.reveal(id))) {
      app.notices.error({ code: 'not-found' });
      return;
    }
    app.router.leap(() => void conversation.aim(message));
  };

  let menuAnchor = new DOMRect();
  const openMenu = (chosen: MessageOf, anchor: DOMRect): void => {
    setFocusKey(chosen.key);
    scroller.querySelector<HTMLElement>(`[data-key="${CSS.escape(chosen.key)}"]`)?.focus({ preventScroll: true });
    menuAnchor = anchor;
    setMenu({ row: chosen, anchor });
  };
  const retry = (chosen: MessageOf): void => void app.attempt(() => conversation.retry(chosen.key));
  const remove = (chosen: MessageOf): void => void app.attempt(() => conversation.discard(chosen.key));
  /** A sticker is kept as it is; of another picture one is made. */
  const keepSticker = (message: Message): void => void app.attempt(async () => {
    const { data, width, height } = await keptSticker(await app.core.fetchFile(props.chat.id, message.id));
    await app.core.addSticker(data, { description: message.file?.sticker?.description ?? '', width, height });
  }, 'sticker-added');
  const makeSticker = (message: Message): void => void app.attempt(async () => {
    app.overlays.open({ name: 'sticker-make', picture: await app.core.fetchFile(props.chat.id, message.id) });
  });
  /** What is done with a file by the keyboard, and on glass by holding it. */
  const fileItems = (message: Message): readonly MenuItem[] => {
    const { file } = message;
    if (!file || file.sticker || file.uploading) return [];
    const keep = async (): Promise<void> => {
      const url = linkTo(file.kind, await app.core.fetchFile(props.chat.id, message.id));
      save(url, file.name);
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading
    };
    return [
      ...(file.kind === 'image' ? [{ label: t().chat.fileShow(file.name), icon: ImageIcon, run: () => app.overlays.open({ name: 'picture', message }) }] : []),
      { label: t().common.save, icon: Download, run: () => void app.attempt(keep) },
    ];
  };
  const items = (chosen: MessageOf): readonly MenuItem[] => {
    const failed = chosen.message.state === 'failed';
    const { message } = chosen;
    return [
      ...(mayReact(message) ? [
        { label: t().chat.reply, icon: Reply, run: () => compose(() => conversation.answer(message)) },
        { label: t().chat.reactMore, icon: SmilePlus, run: () => void setPicking({ row: chosen, anchor: menuAnchor }) },
      ] : []),
      ...(mayCorrect(message) && writable() ? [{ label: t().chat.edit, icon: Pencil, run: () => compose(() => conversation.correct(message)) }] : []),
      ...(mayReact(message) ? [{ label: message.pinned ? t().pins.unpin : t().pins.pin, icon: message.pinned ? PinOff : Pin, run: () => void app.attempt(() => conversation.pin(message)) }] : []),
      ...(message.poll && message.outgoing && !message.poll.closed && mayReact(message) ? [{ label: t().poll.close, icon: CircleStop, run: () => void app.attempt(() => app.core.closePoll(props.chat.id, message.id)) }] : []),
      ...(message.retracted || message.poll || message.file?.uploading || message.file?.sticker ? [] : [{ label: t().chat.forward, icon: Forward, run: () => app.overlays.open({ name: 'forward', message }) }]),
      ...fileItems(message),
      ...(message.file?.sticker ? [{ label: t().sticker.keep, icon: StickerIcon, run: () => keepSticker(message) }] : []),
      ...(message.file?.sticker?.pack ? [{ label: t().sticker.pack, icon: StickyNote, run: () => app.overlays.open({ name: 'sticker-pack', message }) }] : []),
      ...(message.file?.kind === 'image' && !message.file.sticker ? [{ label: t().sticker.make, icon: StickerIcon, run: () => makeSticker(message) }] : []),
      ...(failed ? [{ label: t().chat.failedRetry, icon: RotateCw, run: () => retry(chosen) }] : []),
      ...(failed && chosen.message.reason?.code === 'cannot-encrypt' && props.chat.group?.privacy !== 'private'
        ? [{ label: t().chat.failedOpen, icon: LockOpen, run: () => void setSendOpen(chosen) }] : []),
      ...(message.text === '' ? [] : [{
        label: t().chat.copyText, icon: Copy,
        run: () => void app.attempt(() => navigator.clipboard.writeText(chosen.message.text), 'copied'),
      }]),
      { label: t().chat.info, icon: Info, run: () => app.overlays.open({ name: 'message-info', message: chosen.message }) },
      ...(failed ? [{ label: t().chat.failedDelete, icon: Trash, danger: true, run: () => remove(chosen) }] : []),
      ...(mayRetract(props.chat, message) && !failed && writable() ? [{ label: t().chat.delete, icon: Trash, danger: true, run: () => void setDeleting(chosen) }] : []),
    ];
  };

  const List = (list: JSX.HTMLAttributes<HTMLUListElement>): JSX.Element =>
    <ul {...list} class="message-list" role="list" aria-label={group() ? t().group.messages(props.chat.title) : t().chat.messages(props.chat.title)} />;

  return (
    <div class="messages-frame">
      <div
        ref={scroller} class="messages" classList={{ 'messages-settled': settled() }} onScroll={scrolled} onKeyDown={pressed}
        onFocusIn={(event) => { const key = event.target instanceof HTMLElement ? event.target.dataset['key'] : undefined; if (key) { setFocusKey(key); setHeldKey(key); } }}
      >
        <div class="messages-space" />
        <Virtualizer
          ref={(it) => { handle = it; }} data={keys()} shift={state().shifted} as={List} item="li" bufferSize={400}
          keepMounted={kept()}
          onResize={resized}
        >
          {(key) => {
            const its = createMemo(() => row(key));
            const as = <K extends Row['kind']>(kind: K) => {
              const now = its();
              return now?.kind === kind ? now as Extract<Row, { kind: K }> : undefined;
            };
            return (
              <Switch>
                <Match when={as('message')}>
                  {(it) => (
                    <MessageRow
                      row={it()} name={authorOf(contacts(), props.chat, it().message)} group={group()} stop={stop() === key} shown={shown() === key} trusted={group() || contacts().get(props.chat.id)?.relation === 'mutual'} nameOf={nameOf} names={nameable()} mayVote={mayReact(it().message)} onVote={(message, choices) => void app.attempt(() => app.core.vote(props.chat.id, message.id, choices))} onReact={react} onQuote={(message) => void goTo(message)}
                      onMenu={openMenu} onRetry={retry} onDelete={remove} onSendOpen={(chosen) => setSendOpen(chosen)}
                    />
                  )}
                </Match>
                <Match when={as('day')}>
                  {(it) => <div class="day"><span>{formats().day(it().at, now())}</span></div>}
                </Match>
                <Match when={as('unread')}>
                  {(it) => <div class="unread-line"><span>{t().chat.unreadFrom(it().count)}</span></div>}
                </Match>
                <Match when={as('notice')}>{(it) => <div class="chat-said"><Icon of={it().message.came ? UserPlus : it().message.optOut ? LockOpen : Timer} /><span>{noticeText(it().message)}<Show when={it().message.optOut?.reason}>{(reason) => <> <span dir="auto">{t().optOut.reason(reason())}</span></>}</Show></span></div>}</Match>
                <Match when={as('unreadable')}>
                  {(it) => <Unreadable messages={it().messages} rowKey={key} stop={stop() === key} />}
                </Match>
                <Match when={as('start')}>
                  <div class="chat-start">
                    <p>{group() ? t().group.start(props.chat.title) : t().chat.start(props.chat.title)}</p>
                    <Show when={props.chat.lock === 'encrypted' || props.chat.lock === 'verified'}><p>{group() ? t().group.startLock : t().chat.startLock}</p></Show>
                    <Show when={props.chat.group?.privacy === 'public'}><p>{t().group.startOpen}</p></Show>
                  </div>
                </Match>
              </Switch>
            );
          }}
        </Virtualizer>
      </div>

      <Show when={state().status === 'loading' && keys().length === 0}>
        <Patiently><Skeleton /></Patiently>
      </Show>
      <Show when={state().status === 'failed' && state().reason}>
        {(reason) => <div class="messages-over"><Failed reason={reason()} onRetry={() => void conversation.reload()} /></div>}
      </Show>
      <Show when={state().loading === 'older'}>
        <Patiently after={400}><div class="messages-top" role="status"><span class="float-pill">{t().chat.loadingOlder}</span></div></Patiently>
      </Show>
      <div class="messages-top messages-date" classList={{ 'is-shown': topDay() !== undefined }} aria-hidden="true">
        <Show when={topDay()}>{(at) => <span class="float-pill">{formats().day(at(), now())}</span>}</Show>
      </div>
      <Show when={away()}>
        <button type="button" class="jump" onClick={() => void jump()} aria-label={t().chat.toNewest(props.chat.unread)}>
          <Icon of={ArrowDown} />
          <Show when={props.chat.unread > 0}><span class="badge">{formats().number(props.chat.unread)}</span></Show>
        </button>
      </Show>
      <Show when={menu()}>
        {(open) => (
          <Menu
            label={t().chat.actions} items={items(open().row)} anchor={open().anchor} onClose={() => setMenu(undefined)}
            above={mayReact(open().row.message) ? (choose) => (
              <QuickReactions own={open().row.message.reactions ?? []} onChoose={(emoji) => { const chosen = open().row; choose(); react(chosen, emoji); }} />
            ) : undefined}
          />
        )}
      </Show>
      <Show when={picking()}>
        {(open) => <EmojiPopup anchor={open().anchor} onChoose={(emoji) => { const chosen = open().row; setPicking(undefined); react(chosen, emoji); }} onClose={() => setPicking(undefined)} />}
      </Show>
      <Show when={deleting()}>
        {(chosen) => (
          <Confirm
            title={t().chat.deleteTitle} text={t().chat.deleteText} action={t().chat.delete} danger
            onConfirm={() => { const it = chosen(); setDeleting(undefined); void app.attempt(() => conversation.retract(it.key)); }}
            onCancel={() => setDeleting(undefined)}
          />
        )}
      </Show>
      <Show when={sendOpen()}>
        {(chosen) => (
          <Confirm
            title={t().lock.confirmTitle} text={group() ? t().group.sendOpenText : t().lock.confirmText(props.chat.title)} action={t().lock.confirmSend} danger
            onConfirm={() => { const it = chosen(); setSendOpen(undefined); void conversation.resendUnencrypted(it.message); }}
            onCancel={() => setSendOpen(undefined)}
          />
        )}
      </Show>
    </div>
  );
}

/** Grey shapes where messages will be. */
function Skeleton(): JSX.Element {
  const { t } = useView();
  return (
    <div class="messages-over messages-skeleton" role="status" aria-label={t().common.loading}>
      <i /><i /><i class="out" /><i /><i class="out" /><i class="out" /><i />
    </div>
  );
}
