/** XEP-0352: Client State Indication. */
import { define } from './codec';
import { NS } from './ns';

export const active = define(NS.csi, 'active', {});
export const inactive = define(NS.csi, 'inactive', {});
