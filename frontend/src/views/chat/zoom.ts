/** How a picture lies on its stage. Pure: sizes and places in, places out; all in CSS pixels. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `x` and `y`: how far the middle of the picture is from the middle of the stage. */
export interface Zoom extends Point {
  /** 1: all of it is seen. */
  readonly scale: number;
}

export const whole: Zoom = { scale: 1, x: 0, y: 0 };
/** What a double tap leads to. */
export const close = 2.5;
/** From key to key. */
export const step = 1.5;

/** A picture as large as the stage lets it be, and not larger than it is. */
export function fitted(picture: Size, stage: Size): Size {
  const scale = Math.min(1, stage.width / picture.width, stage.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** Every point of a large picture can be seen, and of a small one it is not only points. */
export function most(picture: Size, stage: Size): number {
  return Math.max(4, 2 * picture.width / fitted(picture, stage).width);
}

/** The same, as far as it may be: nothing is drawn further in than to its edge, and what is smaller than the stage stays in the middle. */
export function within({ scale, x, y }: Zoom, picture: Size, stage: Size): Zoom {
  const bounded = Math.min(most(picture, stage), Math.max(1, scale));
  const { width, height } = fitted(picture, stage);
  const free = { x: Math.max(0, (width * bounded - stage.width) / 2), y: Math.max(0, (height * bounded - stage.height) / 2) };
  return { scale: bounded, x: clamp(x, free.x), y: clamp(y, free.y) };
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value)) || 0; // never -0
}

/** Larger or smaller, while what lies at `from` (seen from the middle of the stage) goes to `to`. */
export function zoomed({ scale, x, y }: Zoom, next: number, from: Point, to: Point = from): Zoom {
  const by = next / scale;
  return { scale: next, x: to.x - (from.x - x) * by, y: to.y - (from.y - y) * by };
}
