import { createSignal, type JSX } from 'solid-js';
import type { Sticker } from '../../core/api';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { StickerThumb } from './StickerThumb';
import './stickers.css';

/** Asks before a sticker goes from all own devices. */
export default function StickerRemoval(props: { readonly sticker: Sticker }): JSX.Element {
  const { app, t } = useView();
  const [busy, setBusy] = createSignal(false);
  const close = (): void => app.overlays.close();
  const remove = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    await app.attempt(() => app.core.removeSticker(props.sticker.id));
    setBusy(false);
    close();
  };
  return (
    <Dialog
      title={t().sticker.removeTitle} alert size="small" onClose={close}
      actions={(
        <>
          <Button look="quiet" autofocus onClick={close}>{t().common.cancel}</Button>
          <Button look="danger" busy={busy()} onClick={() => void remove()}>{t().sticker.remove}</Button>
        </>
      )}
    >
      <div class="sticker-asked">
        <StickerThumb fetch={() => app.core.stickerPicture(props.sticker.id)} />
        <p>{t().sticker.removeText}</p>
      </div>
    </Dialog>
  );
}
