/** A row that is drawn aside by a finger: to either side something else is done. Follows the finger, and goes back when let go early. */
export interface Swipe {
  /** Drawn towards the end of the line (to the right, where one writes to the right). */
  toEnd(): void;
  toStart(): void;
}

const begins = 12;
const enough = 88;
const most = 132;

/** Gives the way to stop listening. */
export function swipable(row: HTMLElement, swipe: Swipe): () => void {
  let start: { readonly x: number; readonly y: number; readonly id: number } | undefined;
  let drawn = false;
  const rtl = (): boolean => document.documentElement.dir === 'rtl';
  const put = (x: number): void => {
    row.style.setProperty('--drawn', `${x}px`);
    row.dataset['drawn'] = x === 0 ? '' : (x > 0) !== rtl() ? 'end' : 'start';
    if (x === 0) delete row.dataset['drawn'];
    row.toggleAttribute('data-enough', Math.abs(x) >= enough);
  };
  const down = (event: PointerEvent): void => {
    if (event.pointerType !== 'touch' || !event.isPrimary) return;
    start = { x: event.clientX, y: event.clientY, id: event.pointerId };
    drawn = false;
  };
  const move = (event: PointerEvent): void => {
    if (start?.id !== event.pointerId) return;
    const x = event.clientX - start.x, y = event.clientY - start.y;
    if (!drawn) {
      if (Math.abs(y) > begins && Math.abs(y) > Math.abs(x)) start = undefined; // it is being scrolled
      if (!start || Math.abs(x) < begins) return;
      drawn = true;
      row.setPointerCapture(event.pointerId);
    }
    put(Math.max(-most, Math.min(most, x)));
  };
  const up = (event: PointerEvent): void => {
    if (start?.id !== event.pointerId) return;
    const x = event.clientX - start.x;
    start = undefined;
    if (!drawn) return;
    put(0);
    if (event.type !== 'pointerup' || Math.abs(x) < enough) return;
    if ((x > 0) !== rtl()) swipe.toEnd();
    else swipe.toStart();
  };
  // What ends a swipe is no tap.
  const click = (event: MouseEvent): void => {
    if (!drawn) return;
    drawn = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  row.addEventListener('pointerdown', down);
  row.addEventListener('pointermove', move);
  row.addEventListener('pointerup', up);
  row.addEventListener('pointercancel', up);
  row.addEventListener('click', click, true);
  return () => {
    row.removeEventListener('pointerdown', down);
    row.removeEventListener('pointermove', move);
    row.removeEventListener('pointerup', up);
    row.removeEventListener('pointercancel', up);
    row.removeEventListener('click', click, true);
  };
}
