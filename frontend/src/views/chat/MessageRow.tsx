import { Ban, Ellipsis, LockOpen, Pin, ShieldQuestionMark, Timer } from 'lucide';
import { type JSX, onCleanup, onMount, Show } from 'solid-js';
import type { Address, Message } from '../../core/api';
import type { Row } from '../../stores/rows';
import { emojiOnly } from '../../stores/richtext';
import { useView } from '../context';
import { AuthorName, Avatar } from '../parts/Avatar';
import { Button } from '../parts/Button';
import { hold } from '../parts/hold';
import { Icon } from '../parts/Icon';
import { Keyed } from '../parts/Keyed';
import { Ticks } from '../parts/Marks';
import { RichText } from '../parts/RichText';
import { PlaceBox } from '../place/PlaceBox';
import { FileBox } from './FileBox';
import { PollBox } from './PollBox';
import { StickerBox } from './StickerBox';
import { Alarm } from './Findings';
import { inWords } from './words';

type MessageOf = Extract<Row, { kind: 'message' }>;

type Props = {
  readonly row: MessageOf;
  /** Who wrote it. */
  readonly name: string;
  /** Several people write here: it is shown who did. */
  readonly group: boolean;
  /** The one message that Tab leads to. */
  readonly stop: boolean;
  /** From somebody one knows: pictures are fetched unasked. */
  readonly trusted: boolean;
  /** Somebody was led here. */
  readonly shown: boolean;
  readonly onMenu: (row: MessageOf, anchor: DOMRect) => void;
  readonly onRetry: (row: MessageOf) => void;
  readonly onDelete: (row: MessageOf) => void;
  /** Double click: the quick way to react. */
  readonly onReact: (row: MessageOf, emoji: string) => void;
  readonly onQuote: (message: Message) => void;
  readonly nameOf: (address: Address, name: string | undefined) => string;
  readonly onSendOpen: (row: MessageOf) => void;
  /** Who can be named here. */
  readonly names: readonly string[];
  readonly mayVote: boolean;
  readonly onVote: (message: Message, choices: readonly number[]) => void;
};

export function MessageRow(props: Props): JSX.Element {
  const { t, formats } = useView();
  const message = () => props.row.message;
  const emoji = (): number => (message().reply || message().retracted || message().poll || message().file ? 0 : emojiOnly(message().text));
  /** Most messages have none of these: one question for all of them. */
  const marked = (): boolean => message().lock === 'unencrypted' || message().unconfirmed === true || message().pinned === true || message().timer !== undefined || message().edited !== undefined;
  const sticker = (): boolean => message().file?.sticker !== undefined;
  const gone = (): string => {
    const by = message().retracted?.by;
    if (by !== undefined && by !== '') return t().chat.deletedBy(by);
    return message().outgoing && by === undefined ? t().chat.deletedOwn : t().chat.deleted;
  };
  const quoted = (): string => {
    const answered = message().reply;
    return answered?.from === undefined ? '…' : props.nameOf(answered.from, answered.name);
  };
  const reactedBy = (it: string, from: readonly Address[]): string => t().chat.reactedBy(it, formats().list(from.map((who) => props.nameOf(who, undefined))));
  const label = (): string => {
    const who = message().outgoing ? t().common.you : props.name;
    const end = message().outgoing ? `, ${t().chat.state[message().state]}` : '';
    const open = message().lock === 'unencrypted' ? `, ${t().chat.notLocked}` : message().unconfirmed ? `, ${t().chat.unconfirmed}` : '';
    const text = message().retracted ? gone() : inWords(t(), message());
    const kept = `${message().pinned ? `, ${t().pins.one}` : ''}${message().timer ? `, ${t().timer.mark(formats().duration(message().timer!))}` : ''}`;
    const edited = message().edited ? `, ${t().chat.edited}` : '';
    const reacted = (message().reactions ?? []).map((reaction) => `, ${reactedBy(reaction.emoji, reaction.from)}`).join('');
    const answered = message().reply ? ` (${t().chat.replyTo(quoted())})` : '';
    return `${who}, ${t().chat.time(formats().time(message().at))}: ${text}${answered}${edited}${kept}${reacted}${end}${open}`;
  };
  let box!: HTMLDivElement;
  let bubble!: HTMLDivElement;

  const atPointer = (event: MouseEvent): void => {
    if (event.target instanceof Element && event.target.closest('a')) return;
    if (!window.getSelection()?.isCollapsed) return;
    event.preventDefault();
    props.onMenu(props.row, new DOMRect(event.clientX, event.clientY, 0, 0));
  };
  onMount(() => onCleanup(hold(box, () => props.onMenu(props.row, bubble.getBoundingClientRect()))));

  return (
    <div class="row" classList={{ 'row-shown': props.shown, 'row-group': props.group && !message().outgoing, 'row-mention': message().mention === true, 'row-out': message().outgoing, 'row-first': props.row.first, 'row-last': props.row.last }}>
      <div
        ref={box} class="message" role="group" aria-label={label()} tabindex={props.stop ? 0 : -1}
        data-key={props.row.key} data-stop={props.stop ? 'true' : undefined}
        onContextMenu={atPointer} onDblClick={(event) => { if (event.target instanceof Element && !event.target.closest('a, button, input')) { window.getSelection()?.removeAllRanges(); props.onMenu(props.row, bubble.getBoundingClientRect()); } }}
      >
        <Show when={props.group && !message().outgoing}>
          <span class="message-face"><Show when={props.row.last}><Avatar address={message().from} name={props.name} size="tiny" /></Show></span>
        </Show>
        <div ref={bubble} class="bubble" classList={{ 'bubble-emoji': emoji() > 0, 'bubble-sticker': sticker(), 'bubble-failed': message().state === 'failed' }}>
          <Show when={props.group && !message().outgoing && props.row.first}>
            <AuthorName address={message().from} name={props.name} />
          </Show>
          <Show when={message().reply}>
            {(answered) => (
              <button type="button" class="quote" tabindex="-1" onClick={() => props.onQuote(message())}>
                <b dir="auto">{quoted()}</b>
                <span dir="auto">{answered().text}</span>
              </button>
            )}
          </Show>
          <Show when={message().poll}>
            {(poll) => <PollBox message={message()} poll={poll()} stop={props.stop} mayVote={props.mayVote} nameOf={props.nameOf} onVote={(choices) => props.onVote(message(), choices)} />}
          </Show>
          <Show when={message().file}>{(file) => <Show when={sticker()} fallback={<FileBox message={message()} file={file()} trusted={props.trusted} stop={props.stop} />}><StickerBox message={message()} file={file()} trusted={props.trusted} /></Show>}</Show>
          <Show when={message().location}>{(location) => <PlaceBox message={message()} location={location()} stop={props.stop} trusted={props.trusted} />}</Show>
          <div class={`text text-emoji-${emoji()}`} dir="auto">
            <Show when={!message().retracted} fallback={<span class="tombstone"><Icon of={Ban} />{gone()}</span>}><Show when={!message().poll && !message().location}><RichText text={message().text} names={props.names} /></Show></Show>
            <span class="meta">
              <Show when={marked()}>
                <Show when={message().lock === 'unencrypted'}>
                  <span class="meta-open" title={t().chat.notLockedLong}><Icon of={LockOpen} /></span>
                </Show>
                <Show when={message().unconfirmed}>
                  <span class="meta-open" title={t().chat.unconfirmed}><Icon of={ShieldQuestionMark} /></span>
                </Show>
                <Show when={message().pinned}><span title={t().pins.one}><Icon of={Pin} /></span></Show>
                <Show when={message().timer}>{(seconds) => <span title={t().timer.mark(formats().duration(seconds()))}><Icon of={Timer} /></span>}</Show>
                <Show when={message().edited}><span>{t().chat.edited}</span></Show>
              </Show>
              <time datetime={new Date(message().at).toISOString()} title={formats().full(message().at)}>{formats().time(message().at)}</time>
              <Show when={message().outgoing}><Ticks state={message().state} /></Show>
            </span>
          </div>
        </div>
        <button
          type="button" class="message-more" tabindex="-1" aria-label={t().chat.actions} title={t().chat.actions}
          onClick={(event) => props.onMenu(props.row, event.currentTarget.getBoundingClientRect())}
        >
          <Icon of={Ellipsis} />
        </button>
      </div>
      <Show when={message().reactions}>
        {(all) => (
          <div class="reactions">
            <Keyed each={all()} by={(reaction) => reaction.emoji}>
              {(reaction) => (
                <button
                  type="button" class="reaction" tabindex="-1" aria-pressed={reaction().own} title={reactedBy(reaction().emoji, reaction().from)}
                  aria-label={reactedBy(reaction().emoji, reaction().from)} onClick={() => props.onReact(props.row, reaction().emoji)}
                >
                  <span class="reaction-pill">
                    <span>{reaction().emoji}</span><Show when={reaction().from.length > 1}><span class="reaction-count">{formats().number(reaction().from.length)}</span></Show>
                  </span>
                </button>
              )}
            </Keyed>
          </div>
        )}
      </Show>
      <Show when={message().alarm}><Alarm message={message()} /></Show>
      <Show when={message().state === 'failed'}>
        <div class="failed-line">
          <p>{message().reason ? t().reason(message().reason!) : t().chat.state.failed}</p>
          <Button look="quiet" onClick={() => props.onRetry(props.row)}>{t().chat.failedRetry}</Button>
          <Show when={message().reason?.code === 'cannot-encrypt' && !props.group}>
            <Button look="quiet" onClick={() => props.onSendOpen(props.row)}>{t().chat.failedOpen}</Button>
          </Show>
          <Button look="quiet" onClick={() => props.onDelete(props.row)}>{t().chat.failedDelete}</Button>
        </div>
      </Show>
    </div>
  );
}
