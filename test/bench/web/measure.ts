/** What is measured of an app in a browser, in the page itself where it is about time. */
import type { Page } from '@playwright/test';

/** Remembers tasks of the main thread that were longer than 50 ms. */
export const watchTasks = (): void => {
  const tasks: number[] = [];
  Object.assign(globalThis, { benchTasks: tasks });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) tasks.push(entry.duration); }).observe({ type: 'longtask', buffered: true });
};

export interface Tasks {
  readonly longest: number;
  readonly sum: number;
}

/** The long tasks since the last call. */
export async function tasks(page: Page): Promise<Tasks> {
  const all = await page.evaluate(() => (globalThis as unknown as { benchTasks: number[] }).benchTasks.splice(0));
  return { longest: Math.max(0, ...all), sum: all.reduce((a, b) => a + b, 0) };
}

/** How long after it is begun in the page something is painted, ms; undefined if it never is. */
export async function painted(page: Page, begin: string, shown: string): Promise<number | undefined> {
  return page.evaluate(async ([start, condition, patience]) => {
    // Two words of the benchmark, in its own page.
    const [act, holds] = [new Function(start), new Function(`return ${condition}`) as () => unknown];
    const from = performance.now();
    act();
    while (!holds()) {
      if (performance.now() - from > patience) return undefined;
      await new Promise(requestAnimationFrame);
    }
    await new Promise(requestAnimationFrame);
    return performance.now() - from;
  }, [begin, shown, 60_000] as const);
}

export const nodes = async (page: Page): Promise<number> => page.evaluate(() => document.querySelectorAll('*').length);

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
