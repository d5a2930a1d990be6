import { Ellipsis, LockOpen } from 'lucide';
import { type JSX, Show } from 'solid-js';
import type { Row } from '../../stores/rows';
import { emojiOnly } from '../../stores/richtext';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { Ticks } from '../parts/Marks';
import { RichText } from '../parts/RichText';

type MessageOf = Extract<Row, { kind: 'message' }>;

type Props = {
  readonly row: MessageOf;
  /** Who the other one is. */
  readonly name: string;
  /** The one message that Tab leads to. */
  readonly stop: boolean;
  readonly onMenu: (row: MessageOf, anchor: DOMRect) => void;
  readonly onRetry: (row: MessageOf) => void;
  readonly onDelete: (row: MessageOf) => void;
  readonly onSendOpen: (row: MessageOf) => void;
};

const longPress = 450;

export function MessageRow(props: Props): JSX.Element {
  const { t, formats } = useView();
  const message = () => props.row.message;
  const emoji = (): number => emojiOnly(message().text);
  const label = (): string => {
    const who = message().outgoing ? t().common.you : props.name;
    const end = message().outgoing ? `, ${t().chat.state[message().state]}` : '';
    const open = message().lock === 'unencrypted' ? `, ${t().chat.notLocked}` : '';
    return `${who}, ${t().chat.time(formats().time(message().at))}: ${message().text}${end}${open}`;
  };
  let bubble!: HTMLDivElement;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const atPointer = (event: MouseEvent): void => {
    if (event.target instanceof Element && event.target.closest('a')) return;
    if (!window.getSelection()?.isCollapsed) return;
    event.preventDefault();
    props.onMenu(props.row, new DOMRect(event.clientX, event.clientY, 0, 0));
  };
  const press = (event: PointerEvent): void => {
    if (event.pointerType !== 'touch') return;
    timer = setTimeout(() => props.onMenu(props.row, bubble.getBoundingClientRect()), longPress);
  };
  const release = (): void => clearTimeout(timer);

  return (
    <div class="row" classList={{ 'row-out': message().outgoing, 'row-first': props.row.first, 'row-last': props.row.last }}>
      <div
        class="message" role="group" aria-label={label()} tabindex={props.stop ? 0 : -1}
        data-key={props.row.key} data-stop={props.stop ? 'true' : undefined}
        onContextMenu={atPointer} onPointerDown={press} onPointerUp={release} onPointerCancel={release} onPointerMove={release}
      >
        <div ref={bubble} class="bubble" classList={{ 'bubble-emoji': emoji() > 0, 'bubble-failed': message().state === 'failed' }}>
          <div class={`text text-emoji-${emoji()}`} dir="auto">
            <RichText text={message().text} />
            <span class="meta">
              <Show when={message().lock === 'unencrypted'}>
                <span class="meta-open" title={t().chat.notLockedLong}><Icon of={LockOpen} /></span>
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
      <Show when={message().state === 'failed'}>
        <div class="failed-line">
          <p>{message().reason ? t().reason(message().reason!) : t().chat.state.failed}</p>
          <Button look="quiet" onClick={() => props.onRetry(props.row)}>{t().chat.failedRetry}</Button>
          <Show when={message().reason?.code === 'cannot-encrypt'}>
            <Button look="quiet" onClick={() => props.onSendOpen(props.row)}>{t().chat.failedOpen}</Button>
          </Show>
          <Button look="quiet" onClick={() => props.onDelete(props.row)}>{t().chat.failedDelete}</Button>
        </div>
      </Show>
    </div>
  );
}
