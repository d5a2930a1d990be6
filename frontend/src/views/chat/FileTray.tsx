import { File as FileIcon, X } from 'lucide';
import { createSignal, For, type JSX, onCleanup, Show } from 'solid-js';
import type { Reason } from '../../core/api';
import type { Conversation, SendResult } from '../../stores/conversation';
import { useView } from '../context';
import { Button, IconButton } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { FormError } from '../parts/states';
import { prepare } from './pictures';

type Props = {
  readonly conversation: Conversation;
  readonly files: readonly File[];
  readonly onFiles: (files: readonly File[]) => void;
  readonly onSent: (result: SendResult) => void;
};

/** What was chosen, pasted or dropped, before it is sent. */
export function FileTray(props: Props): JSX.Element {
  const { t } = useView();
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<Reason>();
  const send = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    setFailed(undefined);
    let result: SendResult = { sent: 'nothing' };
    let left = props.files;
    for (const file of left) {
      result = await props.conversation.share([await prepare(file)]);
      if (result.sent === 'no') break;
      left = left.slice(1);
    }
    setBusy(false);
    if (result.sent === 'no' && result.reason.code !== 'untrusted') {
      // What was not taken stays here, with the reason.
      setFailed(result.reason);
      props.onFiles(left);
      return;
    }
    props.onFiles([]);
    props.onSent(result);
  };
  return (
    <Dialog
      title={t().chat.filesTitle(props.files.length)} onClose={() => props.onFiles([])}
      actions={(
        <>
          <Button look="quiet" onClick={() => props.onFiles([])}>{t().common.cancel}</Button>
          <Button look="primary" autofocus busy={busy()} onClick={() => void send()}>{t().chat.send}</Button>
        </>
      )}
    >
      <p class="quiet">{t().chat.filesText}</p>
      <ul class="card file-tray" role="list">
        <For each={props.files}>{(file) => <Staged file={file} onRemove={() => props.onFiles(props.files.filter((one) => one !== file))} />}</For>
      </ul>
      <FormError text={failed() && t().reason(failed()!)} />
    </Dialog>
  );
}

function Staged(props: { readonly file: File; readonly onRemove: () => void }): JSX.Element {
  const { t, formats } = useView();
  const picture = props.file.type.startsWith('image/') && props.file.type !== 'image/svg+xml' ? URL.createObjectURL(props.file) : undefined;
  onCleanup(() => { if (picture !== undefined) URL.revokeObjectURL(picture); });
  return (
    <li class="file-line">
      <Show when={picture} fallback={<Icon of={FileIcon} />}>{(source) => <img src={source()} alt="" />}</Show>
      <span class="file-text"><bdi>{props.file.name}</bdi><small>{formats().size(props.file.size)}</small></span>
      <IconButton icon={X} label={t().chat.fileRemove(props.file.name)} onClick={() => props.onRemove()} />
    </li>
  );
}
