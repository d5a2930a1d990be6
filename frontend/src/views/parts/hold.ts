const longPress = 450;

/**
 * Holding a finger on something does what the other mouse button does. Where a browser takes the lifted finger for a click
 * (Safari does), that click is not meant for the link or the picture under it. Returns what ends it.
 */
export function hold(element: HTMLElement, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let held = false;
  const release = (): void => clearTimeout(timer);
  const press = (event: PointerEvent): void => {
    release();
    held = false;
    if (event.pointerType !== 'touch') return;
    timer = setTimeout(() => {
      held = true;
      act();
    }, longPress);
  };
  const click = (event: MouseEvent): void => {
    // A click without a finger or a mouse is one of the keyboard.
    if (!held || event.detail === 0) return;
    held = false;
    event.preventDefault();
    event.stopPropagation();
  };
  const ends = ['pointermove', 'pointerup', 'pointercancel'] as const;
  element.addEventListener('pointerdown', press);
  for (const end of ends) element.addEventListener(end, release);
  element.addEventListener('click', click, true);
  return () => {
    release();
    element.removeEventListener('pointerdown', press);
    for (const end of ends) element.removeEventListener(end, release);
    element.removeEventListener('click', click, true);
  };
}
