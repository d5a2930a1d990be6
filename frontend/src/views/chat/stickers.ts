/** What becomes of a picture before it is a sticker. */
import { type Crop, square } from '../../stores/crop';

export interface MadeSticker {
  readonly data: Blob;
  readonly width: number;
  readonly height: number;
}

/** What fits into a stanza, see `core/stickers`. */
export const maxStickerBytes = 128 << 10;
/** Longest sides and qualities, best first; the first that is small enough is taken. */
const tries = [[512, 0.9], [512, 0.75], [384, 0.8], [256, 0.8], [160, 0.7]] as const;

/**
 * A picture as a sticker: at most 512 pixels, with what is transparent, drawn anew, so that nothing of what the camera wrote into
 * the file is left. `crop`: only that square.
 */
export async function makeSticker(picture: ImageBitmap, crop?: Crop): Promise<MadeSticker> {
  const part = crop ? square(crop, picture) : undefined;
  const from = part ? { x: part.x, y: part.y, width: part.side, height: part.side } : { x: 0, y: 0, width: picture.width, height: picture.height };
  for (const [longest, quality] of tries) {
    const scale = Math.min(1, longest / Math.max(from.width, from.height));
    const width = Math.max(1, Math.round(from.width * scale)), height = Math.max(1, Math.round(from.height * scale));
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    if (!context) break;
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, from.x, from.y, from.width, from.height, 0, 0, width, height);
    // A browser that cannot write WebP gives PNG.
    const data = await canvas.convertToBlob({ type: 'image/webp', quality });
    if (data.size <= maxStickerBytes) return { data, width, height };
  }
  throw new Error('the picture cannot be made small enough');
}

/** A sticker of somebody else: as it is where that is small enough, so that it keeps moving. */
export async function keptSticker(data: Blob): Promise<MadeSticker> {
  const picture = await createImageBitmap(data);
  try {
    const { width, height } = picture;
    return data.size <= maxStickerBytes && data.type !== 'image/jpeg' ? { data, width, height } : await makeSticker(picture);
  } finally {
    picture.close();
  }
}

/** An address for showing it. Who wants less motion sees only the first picture of a film. */
export async function shownSticker(data: Blob): Promise<string> {
  if (!matchMedia('(prefers-reduced-motion: reduce)').matches) return URL.createObjectURL(data);
  const picture = await createImageBitmap(data).catch(() => undefined);
  if (!picture) return URL.createObjectURL(data);
  try {
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d')?.drawImage(picture, 0, 0);
    return URL.createObjectURL(await canvas.convertToBlob({ type: 'image/png' }));
  } finally {
    picture.close();
  }
}
