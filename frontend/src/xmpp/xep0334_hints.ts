/** XEP-0334: Message Processing Hints. */
import { define } from './codec';
import { NS } from './ns';

/** Archive it although it has no body. */
export const store = define(NS.hints, 'store', {});
/** Neither archive nor keep it for later. */
export const noStore = define(NS.hints, 'no-store', {});
