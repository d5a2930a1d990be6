import { ArrowDown, ArrowUp, File as FileIcon, Plus, X } from 'lucide';
import { createSignal, For, type JSX, onCleanup, onMount, Show } from 'solid-js';
import type { Chat, Reason } from '../../core/api';
import type { Conversation, SendResult } from '../../stores/conversation';
import { read } from '../adapter';
import { useView } from '../context';
import { media, touch } from '../media';
import { Button, IconButton } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { FormError } from '../parts/states';
import { Untrusted } from './Notices';
import { prepare } from './pictures';

type Props = {
  readonly conversation: Conversation;
  readonly chat: Chat;
  readonly files: readonly File[];
  readonly onFiles: (files: readonly File[]) => void;
  readonly onMore: () => void;
  readonly onPaste: (files: FileList | undefined) => boolean;
  /** A new device waits for a decision. */
  readonly untrusted: boolean;
  readonly onUntrusted: () => void;
  readonly onSent: (result: SendResult) => void;
};

/** What was chosen, pasted or dropped, before it is sent; and what is said beside it, which is what stands in the composer. */
export function FileTray(props: Props): JSX.Element {
  const { t } = useView();
  const draft = read(props.conversation.draft);
  const onGlass = media(touch);
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<Reason>();
  const [told, setTold] = createSignal('');
  let list!: HTMLUListElement;
  let field!: HTMLTextAreaElement;
  onMount(() => { field.value = draft(); });
  const send = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    setFailed(undefined);
    const result = await props.conversation.share(prepare);
    setBusy(false);
    // What was not taken stays here, with what has to be done first.
    if (result.sent === 'no' && result.reason.code === 'untrusted') props.onUntrusted();
    else if (result.sent === 'no') setFailed(result.reason);
    else props.onSent(result);
  };
  const move = (file: File, by: -1 | 1): void => {
    const from = props.files.indexOf(file), to = from + by;
    if (from < 0 || to < 0 || to >= props.files.length) return;
    const others = props.files.filter((one) => one !== file);
    props.onFiles([...others.slice(0, to), file, ...others.slice(to)]);
    setTold(t().chat.fileMoved(file.name, to + 1));
    // The button that was pressed may be one that can do nothing any more.
    queueMicrotask(() => {
      const row = list.children[to];
      const [up, down] = row?.querySelectorAll<HTMLButtonElement>('.file-move') ?? [];
      const wanted = by < 0 ? up : down, other = by < 0 ? down : up;
      (wanted?.disabled ? other : wanted)?.focus();
    });
  };
  return (
    <Dialog
      title={t().chat.filesTitle(props.files.length)} onClose={() => props.onFiles([])}
      actions={(
        <>
          <Button look="quiet" icon={Plus} onClick={() => props.onMore()}>{t().chat.filesMore}</Button>
          <Button look="quiet" onClick={() => props.onFiles([])}>{t().common.cancel}</Button>
          <Button look="primary" autofocus={onGlass()} busy={busy()} onClick={() => void send()}>{t().chat.send}</Button>
        </>
      )}
    >
      <Show when={props.untrusted}><Untrusted chat={props.chat} /></Show>
      <ul ref={list} class="card file-tray" classList={{ 'file-tray-one': props.files.length === 1 }} role="list">
        <For each={props.files}>
          {(file, i) => (
            <Staged
              file={file} first={i() === 0} last={i() === props.files.length - 1} busy={busy()}
              onMove={(by) => move(file, by)} onRemove={() => props.onFiles(props.files.filter((one) => one !== file))}
            />
          )}
        </For>
      </ul>
      <textarea
        ref={field} class="file-caption" rows="1" dir="auto" autofocus={!onGlass()} enterkeyhint={onGlass() ? 'enter' : 'send'} readonly={busy()}
        aria-label={t().chat.caption} placeholder={t().chat.caption}
        onInput={(event) => props.conversation.write(event.currentTarget.value)}
        onPaste={(event) => { if (props.onPaste(event.clipboardData?.files)) event.preventDefault(); }}
        onKeyDown={(event) => {
          // 229: an input method is composing; Enter belongs to it.
          if (event.key !== 'Enter' || event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229 || (onGlass() && !event.ctrlKey && !event.metaKey)) return;
          event.preventDefault();
          void send();
        }}
      />
      <p class="quiet">{t().chat.filesText}</p>
      <p class="hidden" role="status">{told()}</p>
      <FormError text={failed() && t().reason(failed()!)} />
    </Dialog>
  );
}

type StagedProps = {
  readonly file: File;
  readonly first: boolean;
  readonly last: boolean;
  readonly busy: boolean;
  readonly onMove: (by: -1 | 1) => void;
  readonly onRemove: () => void;
};

function Staged(props: StagedProps): JSX.Element {
  const { t, formats } = useView();
  const [broken, setBroken] = createSignal(false);
  const picture = props.file.type.startsWith('image/') && props.file.type !== 'image/svg+xml' ? URL.createObjectURL(props.file) : undefined;
  onCleanup(() => { if (picture !== undefined) URL.revokeObjectURL(picture); });
  return (
    <li class="file-line">
      <Show when={!broken() && picture} fallback={<Icon of={FileIcon} />}>{(source) => <img src={source()} alt="" onError={() => setBroken(true)} />}</Show>
      <span class="file-text"><bdi>{props.file.name}</bdi><small>{formats().size(props.file.size)}</small></span>
      <Show when={!(props.first && props.last)}>
        <IconButton class="file-move" icon={ArrowUp} disabled={props.first || props.busy} label={t().chat.fileUp(props.file.name)} onClick={() => props.onMove(-1)} />
        <IconButton class="file-move" icon={ArrowDown} disabled={props.last || props.busy} label={t().chat.fileDown(props.file.name)} onClick={() => props.onMove(1)} />
      </Show>
      <IconButton icon={X} disabled={props.busy} label={t().chat.fileRemove(props.file.name)} onClick={() => props.onRemove()} />
    </li>
  );
}
