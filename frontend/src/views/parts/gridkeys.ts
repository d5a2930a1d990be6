/** Moves the focus by arrows over a grid as it lies on the screen. `before`: where it goes from the first row. False: the key was not for it. */
export function moveInGrid(event: KeyboardEvent, grid: HTMLElement, cells: readonly HTMLElement[], before?: () => void): boolean {
  const at = cells.indexOf(event.target as HTMLElement);
  if (at < 0) return false;
  const rtl = document.documentElement.dir === 'rtl' ? -1 : 1;
  const row = Math.max(1, Math.floor(grid.clientWidth / (cells[at]?.offsetWidth ?? 44)));
  const step = { ArrowRight: rtl, ArrowLeft: -rtl, ArrowDown: row, ArrowUp: -row }[event.key];
  if (step === undefined) return false;
  event.preventDefault();
  const next = cells[at + step];
  if (next) next.focus();
  else if (step < 0) before?.();
  return true;
}
