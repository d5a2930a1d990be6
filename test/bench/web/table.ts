/** Figures beside each other, and how many times smaller the first ones are. */
export class Table {
  private readonly lines: string[] = [];

  constructor(title: string, private readonly goals: boolean, other = 'converse.js') {
    this.lines.push('', title, `${''.padEnd(58)}${'Kith'.padStart(10)}${'goal'.padStart(10)}${other.padStart(13)}${'ratio'.padStart(9)}`);
  }

  /** What Kith's goal for it is (docs of the web app), what the other has: undefined if it did not get there, null if it was not asked. */
  row(what: string, ours: number | undefined, goal: number | undefined, theirs: number | undefined | null): void {
    const ratio = theirs === undefined || theirs === null || ours === undefined ? '–' : `${(theirs / Math.max(ours, 1)).toFixed(1)}x`;
    const figure = (n: number | undefined): string => n?.toFixed(0) ?? 'not done';
    this.lines.push(`${what.padEnd(58)}${figure(ours).padStart(10)}${(goal === undefined || !this.goals ? '' : `≤ ${String(goal)}`).padStart(10)}` +
      `${(theirs === null ? '' : figure(theirs)).padStart(13)}${ratio.padStart(9)}`);
  }

  print(): void {
    process.stdout.write(`${this.lines.join('\n')}\n`);
  }
}
