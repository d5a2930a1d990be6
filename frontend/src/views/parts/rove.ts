/** Moves the focus in a list with the arrow keys, Home and End. Returns whether the key was used. */
export function rove(event: KeyboardEvent, elements: readonly HTMLElement[]): boolean {
  const at = elements.findIndex((element) => element === document.activeElement);
  const target = {
    ArrowDown: elements[at + 1] ?? elements[at],
    ArrowUp: elements[at < 0 ? elements.length - 1 : Math.max(0, at - 1)],
    Home: elements[0],
    End: elements.at(-1),
  }[event.key];
  if (!target || event.altKey || event.ctrlKey || event.metaKey) return false;
  event.preventDefault();
  target.focus();
  return true;
}
