import { createEffect, type JSX, onMount } from 'solid-js';
import { type Crop, maxZoom, moved, square, within, zoomed } from '../../stores/crop';
import { useView } from '../context';
import './picture.css';

/** Draws the square of a picture that is taken. */
export function drawCrop(on: HTMLCanvasElement | OffscreenCanvas, picture: ImageBitmap, crop: Crop): void {
  const context = on.getContext('2d');
  if (!context) throw new Error('no canvas');
  const { x, y, side } = square(crop, picture);
  context.imageSmoothingQuality = 'high';
  context.clearRect(0, 0, on.width, on.height);
  context.drawImage(picture, x, y, side, side, 0, 0, on.width, on.height);
}

type Props = {
  readonly picture: ImageBitmap;
  readonly crop: Crop;
  readonly onCrop: (crop: Crop) => void;
  /** Of the view, how the picture will look. */
  readonly class?: string;
};

/** Chooses a square of a picture: by dragging, by the wheel, by keys, by a slider. */
export function CropView(props: Props): JSX.Element {
  const { t } = useView();
  let canvas!: HTMLCanvasElement;
  const size = { width: props.picture.width, height: props.picture.height };
  onMount(() => {
    canvas.width = canvas.height = Math.round(256 * Math.min(2, devicePixelRatio));
    createEffect(() => drawCrop(canvas, props.picture, props.crop));
  });
  let held: { readonly id: number; x: number; y: number } | undefined;
  const drag = (event: PointerEvent): void => {
    if (held?.id !== event.pointerId) return;
    const width = canvas.clientWidth;
    props.onCrop(moved(props.crop, size, (event.clientX - held.x) / width, (event.clientY - held.y) / width));
    held.x = event.clientX;
    held.y = event.clientY;
  };
  const keys = (event: KeyboardEvent): void => {
    const step = event.shiftKey ? 0.2 : 0.05;
    const steps: Readonly<Record<string, () => Crop>> = {
      ArrowLeft: () => moved(props.crop, size, -step, 0), ArrowRight: () => moved(props.crop, size, step, 0),
      ArrowUp: () => moved(props.crop, size, 0, -step), ArrowDown: () => moved(props.crop, size, 0, step),
      '+': () => zoomed(props.crop, size, 1.15), '-': () => zoomed(props.crop, size, 1 / 1.15),
    };
    const next = steps[event.key];
    if (!next) return;
    event.preventDefault();
    props.onCrop(next());
  };
  return (
    <div class="crop">
      <canvas
        ref={canvas} class={`crop-view ${props.class ?? ''}`} tabindex="0" role="img" aria-label={t().picture.view}
        onKeyDown={keys}
        onPointerDown={(event) => { held = { id: event.pointerId, x: event.clientX, y: event.clientY }; canvas.setPointerCapture(event.pointerId); }}
        onPointerMove={drag} onPointerUp={() => { held = undefined; }} onPointerCancel={() => { held = undefined; }}
        on:wheel={{ handleEvent: (event: WheelEvent) => { event.preventDefault(); props.onCrop(zoomed(props.crop, size, event.deltaY < 0 ? 1.08 : 1 / 1.08)); }, passive: false }}
      />
      <label class="crop-zoom">
        <span>{t().picture.zoom}</span>
        <input
          type="range" min="0" max="100" step="1" value={Math.round((Math.log(props.crop.zoom) / Math.log(maxZoom)) * 100)}
          onInput={(event) => props.onCrop(within({ ...props.crop, zoom: maxZoom ** (event.currentTarget.valueAsNumber / 100) }, size))}
        />
      </label>
      <p class="quiet">{t().picture.hint}</p>
    </div>
  );
}
