/** XEP-0333: Displayed Markers. */
import { attr, define } from './codec';
import { NS } from './ns';

export const markable = define(NS.markers, 'markable', {});
export const displayed = define(NS.markers, 'displayed', { id: attr('id') });
