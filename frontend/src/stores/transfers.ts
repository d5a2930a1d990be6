import type { Events } from '../core/api';
import { Cell } from './cell';

/** How much of a file has been sent, from 0 to 1. */
export class TransferStore extends Cell<ReadonlyMap<string, number>> {
  constructor() {
    super(new Map());
  }

  apply({ id, done, total }: Events['transfer']): void {
    const next = new Map(this.get());
    if (done >= total) next.delete(id);
    else next.set(id, total > 0 ? done / total : 0);
    this.set(next);
  }

  clear(): void {
    this.set(new Map());
  }
}
