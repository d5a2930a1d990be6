import type { Point } from './zoom';

/** What fingers, the mouse and the wheel do with a picture. Points are seen from the middle of the stage. */
export interface Handled {
  /** Only a part of the picture is seen: it is moved, rather than exchanged for another one. */
  readonly near: () => boolean;
  /** What lay at `from` is drawn to `to`, and all of it grows by `by`. */
  readonly onPinch: (by: number, from: Point, to: Point) => void;
  /** It is drawn aside or down, by so much. */
  readonly onDraw: (by: Point) => void;
  /** It was let go. `speed`: in pixels per millisecond. */
  readonly onLetGo: (by: Point, speed: Point) => void;
  readonly onTap: (event: PointerEvent) => void;
  readonly onTwice: (at: Point) => void;
}

const begins = 10;
const twiceWithin = 300;
const twiceNear = 40;
/** The speed of a finger is that of the last part of its way. */
const lately = 80;

/** Listens to a stage; gives the way to stop. What has begun is followed at once, by transforms alone. */
export function gestures(stage: HTMLElement, handled: Handled): () => void {
  const fingers = new Map<number, Point>();
  let way: { readonly from: Point; readonly mouse: boolean; axis: 'x' | 'y' | 'free' | undefined; moved: boolean } | undefined;
  let trail: { readonly at: number; readonly x: number; readonly y: number }[] = [];
  let tapped: { readonly at: number; readonly x: number; readonly y: number } | undefined;

  const middle = (event: MouseEvent): Point => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  };
  /** The middle between the fingers, and how far they are from it. */
  const spread = (): Point & { readonly reach: number } => {
    const all = [...fingers.values()];
    const x = all.reduce((sum, it) => sum + it.x, 0) / all.length, y = all.reduce((sum, it) => sum + it.y, 0) / all.length;
    return { x, y, reach: all.reduce((sum, it) => sum + Math.hypot(it.x - x, it.y - y), 0) / all.length };
  };
  const drawn = (at: Point): Point => ({
    x: way?.axis === 'x' ? at.x - way.from.x : 0,
    y: way?.axis === 'y' ? Math.max(0, at.y - way.from.y) : 0,
  });

  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, middle(event));
    if (fingers.size === 1) {
      way = { from: middle(event), mouse: event.pointerType === 'mouse', axis: undefined, moved: false };
      trail = [{ at: event.timeStamp, ...middle(event) }];
    } else if (way) {
      // A second finger: it is taken hold of, wherever it was drawn to before.
      if (way.axis === 'x' || way.axis === 'y') handled.onLetGo({ x: 0, y: 0 }, { x: 0, y: 0 });
      way.axis = 'free';
      way.moved = true;
    }
  };
  const move = (event: PointerEvent): void => {
    if (!way || !fingers.has(event.pointerId)) return;
    const before = spread();
    fingers.set(event.pointerId, middle(event));
    const after = spread();
    if (fingers.size > 1) {
      handled.onPinch(before.reach > 0 ? after.reach / before.reach : 1, before, after);
      return;
    }
    const x = after.x - way.from.x, y = after.y - way.from.y;
    if (way.axis === undefined) {
      if (Math.hypot(x, y) < begins) return;
      way.moved = true;
      way.axis = handled.near() ? 'free' : Math.abs(x) > Math.abs(y) ? 'x' : 'y';
    }
    trail = [...trail.filter(({ at }) => event.timeStamp - at < lately), { at: event.timeStamp, ...after }];
    if (way.axis === 'free') handled.onPinch(1, before, after);
    else if (!way.mouse) handled.onDraw(drawn(after));
  };
  const up = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId) || !way || fingers.size > 0) return;
    const { axis, moved, mouse } = way;
    const at = middle(event);
    const by = drawn(at);
    way = undefined;
    if (event.type !== 'pointerup') {
      if (axis === 'x' || axis === 'y') handled.onLetGo({ x: 0, y: 0 }, { x: 0, y: 0 });
      return;
    }
    if (moved) {
      tapped = undefined;
      const first = trail.find((it) => event.timeStamp - it.at < lately);
      const time = Math.max(1, event.timeStamp - (first?.at ?? 0));
      if ((axis === 'x' || axis === 'y') && !mouse) handled.onLetGo(by, first ? { x: (at.x - first.x) / time, y: (at.y - first.y) / time } : { x: 0, y: 0 });
      return;
    }
    if (tapped && event.timeStamp - tapped.at < twiceWithin && Math.hypot(at.x - tapped.x, at.y - tapped.y) < twiceNear) {
      tapped = undefined;
      handled.onTwice(at);
      return;
    }
    tapped = { at: event.timeStamp, ...at };
    handled.onTap(event);
  };
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    // Two fingers on a pad come as a wheel with Control, in small steps.
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 20 : event.deltaY;
    const at = middle(event);
    handled.onPinch(Math.exp(-Math.max(-60, Math.min(60, pixels)) * (event.ctrlKey ? 0.01 : 0.004)), at, at);
  };
  stage.addEventListener('pointerdown', down);
  stage.addEventListener('pointermove', move);
  stage.addEventListener('pointerup', up);
  stage.addEventListener('pointercancel', up);
  stage.addEventListener('wheel', wheel, { passive: false });
  return () => {
    stage.removeEventListener('pointerdown', down);
    stage.removeEventListener('pointermove', move);
    stage.removeEventListener('pointerup', up);
    stage.removeEventListener('pointercancel', up);
    stage.removeEventListener('wheel', wheel);
  };
}
