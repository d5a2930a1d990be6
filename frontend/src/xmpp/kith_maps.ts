/** What lets a client see maps (`kith:maps:0`): asked of the own account, shown to its server with requests over HTTP. */
import { attr, define } from './codec';
import { NS } from './ns';

export const askMapPass = define(NS.kithMaps, 'pass', {});

/** `token`: for the header Authorization. `seconds`: how long it works. `zoom`: the closest view. `attribution`: whose the maps are, to be shown on each. */
export const mapPass = define(NS.kithMaps, 'pass', {
  token: attr('token'), seconds: attr.uint('seconds'), zoom: attr.uint('zoom'), attribution: attr('attribution'),
});
