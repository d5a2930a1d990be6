/**
 * What a finger or the mouse does with the button that records. Held: it records until it is let go, which sends; slid up, it goes on
 * by itself; slid to the side where one reads from, it is cancelled. A short press, a key and a screen reader begin a recording that
 * goes on by itself.
 */
export interface Press {
  readonly phase: 'held' | 'locked' | 'released' | 'cancelled';
  /** How far it was slid on the way to being cancelled, 0 to 1. */
  readonly slid: number;
}

/** Shorter is a tap. */
const TAP = 350;
const AWAY = 96;
const UP = 72;

/** Follows what is done with this button. Returns what ends it. */
export function pressable(button: HTMLElement, tell: (press: Press) => void): () => void {
  let pointer: { readonly id: number; readonly x: number; readonly y: number; readonly at: number } | undefined;
  let handled = false;
  const end = (phase: Press['phase']): void => {
    pointer = undefined;
    for (const [name, listener] of following) window.removeEventListener(name, listener);
    tell({ phase, slid: 0 });
  };
  const mine = (event: Event): PointerEvent | undefined => (event instanceof PointerEvent && event.pointerId === pointer?.id ? event : undefined);
  const moved = (event: Event): void => {
    const now = mine(event);
    if (!now || !pointer) return;
    // It was let go over something that is no part of the page, such as the browser's question for the microphone.
    if (now.buttons === 0) return end('locked');
    const towards = getComputedStyle(button).direction === 'rtl' ? now.clientX - pointer.x : pointer.x - now.clientX;
    const up = pointer.y - now.clientY;
    if (up > UP && up > towards) end('locked');
    else if (towards > AWAY) end('cancelled');
    else tell({ phase: 'held', slid: Math.max(0, Math.min(1, towards / AWAY)) });
  };
  const released = (event: Event): void => {
    if (mine(event) && pointer) end(event.timeStamp - pointer.at < TAP ? 'locked' : 'released');
  };
  // The browser took the pointer for something else, such as its question for the microphone: nothing is sent by that.
  const lost = (event: Event): void => { if (mine(event)) end('locked'); };
  const following = [['pointermove', moved], ['pointerup', released], ['pointercancel', lost]] as const;

  const pressed = (event: PointerEvent): void => {
    if (event.button !== 0 || pointer) return;
    handled = true;
    pointer = { id: event.pointerId, x: event.clientX, y: event.clientY, at: event.timeStamp };
    // The button goes away below the pointer; the window does not.
    for (const [name, listener] of following) window.addEventListener(name, listener);
    tell({ phase: 'held', slid: 0 });
  };
  const clicked = (event: MouseEvent): void => {
    // After a press by pointer everything was said.
    const said = handled && event.detail !== 0;
    handled = false;
    if (said) return;
    tell({ phase: 'locked', slid: 0 });
  };
  const held = (event: Event): void => { if (pointer) event.preventDefault(); };
  button.addEventListener('pointerdown', pressed);
  button.addEventListener('click', clicked);
  button.addEventListener('contextmenu', held);
  return () => {
    if (pointer) end('locked');
    for (const [name, listener] of following) window.removeEventListener(name, listener);
    button.removeEventListener('pointerdown', pressed);
    button.removeEventListener('click', clicked);
    button.removeEventListener('contextmenu', held);
  };
}
