/** XEP-0421: Occupant identifiers for semi-anonymous MUCs. */
import { attr, define } from './codec';
import { NS } from './ns';

export const occupantId = define(NS.occupantId, 'occupant-id', { id: attr('id') });
