import { Download } from 'lucide';
import { type JSX, onMount, Show } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { fileSource, linkTo, save } from './filesource';

/** One picture as large as the window lets it be. */
export default function PictureView(props: { readonly message: Message; readonly file: SharedFile }): JSX.Element {
  const { app, t } = useView();
  const { url, failed, load } = fileSource(() => props.message, (file) => linkTo(props.file.kind, file));
  onMount(() => void load());
  return (
    <Dialog
      title={props.file.name} size="large" onClose={() => app.overlays.close()}
      actions={<Button icon={Download} disabled={url() === undefined} onClick={() => save(url()!, props.file.name)}>{t().common.save}</Button>}
    >
      <div class="picture-view">
        <Show when={url()} fallback={<p class="quiet" role="status">{failed()}</p>}>{(source) => <img src={source()} alt={props.file.name} />}</Show>
      </div>
    </Dialog>
  );
}
