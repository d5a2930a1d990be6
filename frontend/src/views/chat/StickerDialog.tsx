import { createSignal, type JSX, onCleanup, onMount, Show } from 'solid-js';
import { type Crop, whole } from '../../stores/crop';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { CropView } from '../parts/CropView';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Switch } from '../parts/Switch';
import { makeSticker } from './stickers';
import './stickers.css';

/** Makes a sticker out of a picture, whole or a square of it. */
export default function StickerDialog(props: { readonly picture: Blob }): JSX.Element {
  const { app, t } = useView();
  const [picture, setPicture] = createSignal<ImageBitmap>();
  const [cut, setCut] = createSignal(false);
  const [crop, setCrop] = createSignal<Crop>(whole);
  const [description, setDescription] = createSignal('');
  const [busy, setBusy] = createSignal(false);
  const close = (): void => app.overlays.close();
  // Looked at as it is: what the whole picture shows needs no drawing.
  const address = URL.createObjectURL(props.picture);
  let gone = false;
  onMount(async () => {
    try {
      const made = await createImageBitmap(props.picture);
      if (gone) made.close();
      else setPicture(made);
    } catch {
      close();
      app.notices.error({ code: 'picture-unreadable' });
    }
  });
  onCleanup(() => {
    gone = true;
    picture()?.close();
    URL.revokeObjectURL(address);
  });
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    const from = picture();
    if (!from || busy()) return;
    setBusy(true);
    const done = await app.attempt(async () => {
      const { data, ...size } = await makeSticker(from, cut() ? crop() : undefined);
      await app.core.addSticker(data, { description: description(), ...size });
    }, 'sticker-added');
    setBusy(false);
    if (done) close();
  };
  return (
    <Dialog
      title={t().sticker.make} size="small" onClose={close}
      actions={(
        <>
          <Button look="quiet" onClick={close}>{t().common.cancel}</Button>
          <Button look="primary" type="submit" form="sticker-form" busy={busy()}>{t().sticker.add}</Button>
        </>
      )}
    >
      <form id="sticker-form" class="sticker-form" onSubmit={(event) => void add(event)}>
        <Show when={picture()} keyed fallback={<div class="sticker-preview" />}>
          {(it) => (
            <Show when={cut()} fallback={<div class="sticker-preview"><img src={address} alt="" /></div>}>
              <CropView picture={it} crop={crop()} onCrop={setCrop} class="sticker-crop" />
            </Show>
          )}
        </Show>
        <Switch label={t().sticker.cut} on={cut()} onChange={setCut} />
        <Field label={t().sticker.describe} hint={t().sticker.describeHint} value={description()} onInput={setDescription} maxlength="100" autocomplete="off" dir="auto" />
      </form>
    </Dialog>
  );
}
