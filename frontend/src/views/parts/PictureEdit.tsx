import { ImagePlus, Trash } from 'lucide';
import { createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { type Crop, whole } from '../../stores/crop';
import { useView } from '../context';
import { Button } from './Button';
import { CropView, drawCrop } from './CropView';
import { Dialog } from './Dialog';
import './picture.css';

/** Sides of what is published, best first; the first that is small enough is taken. */
const sides = [256, 192, 128] as const;
const maxBytes = 96 << 10;

type Props = {
  /** There is a picture already. */
  readonly there: boolean;
  readonly group?: boolean;
  /** Resolves to whether it was done. */
  readonly onSet: (picture: Blob | null) => Promise<boolean>;
};

/** Chooses, cuts and removes the picture of a person or group. */
export function PictureEdit(props: Props): JSX.Element {
  const { app, t } = useView();
  const [picture, setPicture] = createSignal<ImageBitmap>();
  const [busy, setBusy] = createSignal(false);
  let input!: HTMLInputElement;
  const choose = async (): Promise<void> => {
    const file = input.files?.[0];
    input.value = '';
    if (!file) return;
    try {
      setPicture(await createImageBitmap(file));
    } catch {
      app.notices.error({ code: 'picture-unreadable' });
    }
  };
  const close = (): void => {
    picture()?.close();
    setPicture(undefined);
  };
  const remove = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    await props.onSet(null);
    setBusy(false);
  };
  onCleanup(() => picture()?.close());
  return (
    <div class="picture-edit">
      <input ref={input} type="file" accept="image/*" class="hidden" tabindex="-1" aria-hidden="true" onChange={() => void choose()} />
      <Button look={props.group ? 'quiet' : 'plain'} icon={ImagePlus} onClick={() => input.click()}>{props.there ? t().picture.change : t().picture.choose}</Button>
      <Show when={props.there}><Button look="quiet" icon={Trash} busy={busy()} onClick={() => void remove()}>{t().picture.remove}</Button></Show>
      <Show when={picture()} keyed>
        {(it) => <CropDialog picture={it} group={props.group === true} onSet={(blob) => props.onSet(blob)} onClose={close} />}
      </Show>
    </div>
  );
}

function CropDialog(props: { readonly picture: ImageBitmap; readonly group: boolean; readonly onSet: (picture: Blob) => Promise<boolean>; readonly onClose: () => void }): JSX.Element {
  const { app, t } = useView();
  const [crop, setCrop] = createSignal<Crop>(whole);
  const [busy, setBusy] = createSignal(false);
  /** Drawn anew: nothing of what the camera wrote into the file is left. */
  const cut = async (): Promise<Blob> => {
    let made: Blob | undefined;
    for (const side of sides) {
      const out = new OffscreenCanvas(side, side);
      drawCrop(out, props.picture, crop());
      made = await out.convertToBlob({ type: 'image/png' });
      if (made.size <= maxBytes) break;
    }
    if (!made) throw new Error('nothing was drawn');
    return made;
  };
  const done = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    let kept = false;
    await app.attempt(async () => { kept = await props.onSet(await cut()); });
    setBusy(false);
    if (kept) props.onClose();
  };
  return (
    <Dialog
      title={t().picture.title} size="small" onClose={() => props.onClose()}
      actions={(
        <>
          <Button look="quiet" onClick={() => props.onClose()}>{t().common.cancel}</Button>
          <Button look="primary" busy={busy()} onClick={() => void done()}>{busy() ? t().picture.busy : t().picture.use}</Button>
        </>
      )}
    >
      <CropView picture={props.picture} crop={crop()} onCrop={setCrop} class={props.group ? 'crop-group' : ''} />
    </Dialog>
  );
}
