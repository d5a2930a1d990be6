import { ImagePlus, Trash } from 'lucide';
import { createEffect, createSignal, type JSX, onCleanup, onMount, Show } from 'solid-js';
import { type Crop, maxZoom, moved, square, whole, within, zoomed } from '../../stores/crop';
import { useView } from '../context';
import { Button } from './Button';
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
  let canvas!: HTMLCanvasElement;
  const size = { width: props.picture.width, height: props.picture.height };

  const draw = (on: HTMLCanvasElement | OffscreenCanvas): void => {
    const context = on.getContext('2d');
    if (!context) throw new Error('no canvas');
    const { x, y, side } = square(crop(), size);
    context.imageSmoothingQuality = 'high';
    context.clearRect(0, 0, on.width, on.height);
    context.drawImage(props.picture, x, y, side, side, 0, 0, on.width, on.height);
  };
  onMount(() => {
    canvas.width = canvas.height = Math.round(256 * Math.min(2, devicePixelRatio));
    createEffect(() => draw(canvas));
  });

  let held: { readonly id: number; x: number; y: number } | undefined;
  const drag = (event: PointerEvent): void => {
    if (held?.id !== event.pointerId) return;
    const width = canvas.clientWidth;
    setCrop(moved(crop(), size, (event.clientX - held.x) / width, (event.clientY - held.y) / width));
    held.x = event.clientX;
    held.y = event.clientY;
  };
  const keys = (event: KeyboardEvent): void => {
    const step = event.shiftKey ? 0.2 : 0.05;
    const steps: Readonly<Record<string, () => Crop>> = {
      ArrowLeft: () => moved(crop(), size, -step, 0), ArrowRight: () => moved(crop(), size, step, 0),
      ArrowUp: () => moved(crop(), size, 0, -step), ArrowDown: () => moved(crop(), size, 0, step),
      '+': () => zoomed(crop(), size, 1.15), '-': () => zoomed(crop(), size, 1 / 1.15),
    };
    const next = steps[event.key];
    if (!next) return;
    event.preventDefault();
    setCrop(next());
  };

  /** Drawn anew: nothing of what the camera wrote into the file is left. */
  const cut = async (): Promise<Blob> => {
    let made: Blob | undefined;
    for (const side of sides) {
      const out = new OffscreenCanvas(side, side);
      draw(out);
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
      <div class="crop">
        <canvas
          ref={canvas} class="crop-view" classList={{ 'crop-group': props.group }} tabindex="0" role="img" aria-label={t().picture.view}
          onKeyDown={keys}
          onPointerDown={(event) => { held = { id: event.pointerId, x: event.clientX, y: event.clientY }; canvas.setPointerCapture(event.pointerId); }}
          onPointerMove={drag} onPointerUp={() => { held = undefined; }} onPointerCancel={() => { held = undefined; }}
          on:wheel={{ handleEvent: (event: WheelEvent) => { event.preventDefault(); setCrop(zoomed(crop(), size, event.deltaY < 0 ? 1.08 : 1 / 1.08)); }, passive: false }}
        />
        <label class="crop-zoom">
          <span>{t().picture.zoom}</span>
          <input
            type="range" min="0" max="100" step="1" value={Math.round((Math.log(crop().zoom) / Math.log(maxZoom)) * 100)}
            onInput={(event) => setCrop(within({ ...crop(), zoom: maxZoom ** (event.currentTarget.valueAsNumber / 100) }, size))}
          />
        </label>
        <p class="quiet">{t().picture.hint}</p>
      </div>
    </Dialog>
  );
}
