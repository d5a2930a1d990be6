/** Which square of a picture is taken. Pure functions; the view draws what they give. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Crop {
  /** 1: as much as there is room for. */
  readonly zoom: number;
  /** The centre of the square, as parts of the picture's sides. */
  readonly x: number;
  readonly y: number;
}

export const maxZoom = 5;
export const whole: Crop = { zoom: 1, x: 0.5, y: 0.5 };

/** The square in pixels of the picture. */
export function square(crop: Crop, size: Size): { readonly x: number; readonly y: number; readonly side: number } {
  const { zoom, x, y } = within(crop, size);
  const side = Math.min(size.width, size.height) / zoom;
  return { x: x * size.width - side / 2, y: y * size.height - side / 2, side };
}

/** The nearest that does not reach beyond the picture. */
export function within(crop: Crop, size: Size): Crop {
  const zoom = Math.min(maxZoom, Math.max(1, crop.zoom));
  const side = Math.min(size.width, size.height) / zoom;
  const keep = (at: number, length: number): number => Math.min(1 - side / 2 / length, Math.max(side / 2 / length, at));
  return { zoom, x: keep(crop.x, size.width), y: keep(crop.y, size.height) };
}

/** The picture is moved by so much of the square's side, as if one had taken hold of it. */
export function moved(crop: Crop, size: Size, right: number, down: number): Crop {
  const { side } = square(crop, size);
  return within({ ...crop, x: crop.x - (right * side) / size.width, y: crop.y - (down * side) / size.height }, size);
}

export function zoomed(crop: Crop, size: Size, factor: number): Crop {
  return within({ ...crop, zoom: crop.zoom * factor }, size);
}
