/** What becomes of files before they are sent. */

export interface Prepared {
  readonly data: Blob;
  readonly name: string;
  readonly width?: number;
  readonly height?: number;
}

/** Longest side of a photo that is sent. */
const longest = 2560;
const quality = 0.87;

/**
 * Photos are made smaller and written anew, which leaves out where they were taken and with what; other pictures and
 * files stay as they are. Nothing is thrown away when the browser cannot read a picture.
 */
export async function prepare(file: File): Promise<Prepared> {
  if (!file.type.startsWith('image/')) return { data: file, name: file.name };
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return { data: file, name: file.name };
  }
  const { width, height } = picture;
  try {
    if (!/^image\/(?:jpeg|heic|heif)$/.test(file.type)) return { data: file, name: file.name, width, height };
    const scale = Math.min(1, longest / Math.max(width, height));
    const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    const canvas = new OffscreenCanvas(size.width, size.height);
    const context = canvas.getContext('2d');
    if (!context) return { data: file, name: file.name, width, height };
    context.drawImage(picture, 0, 0, size.width, size.height);
    const data = await canvas.convertToBlob({ type: 'image/jpeg', quality });
    return { data, name: file.name.replace(/\.[^.]*$/, '') + '.jpg', ...size };
  } catch {
    return { data: file, name: file.name, width, height };
  } finally {
    picture.close();
  }
}
