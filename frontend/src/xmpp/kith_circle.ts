/** Circles (`kith:circle:0`): people who are contacts of each other and share a room. */
import { attr, children, define, type Of } from './codec';
import { NS } from './ns';

export const member = define(NS.kithCircle, 'member', { jid: attr('jid') });

export const circle = define(NS.kithCircle, 'circle', {
  id: attr('id'),
  name: attr('name'),
  room: attr('room'),
  members: children(member),
});
export type Circle = Of<typeof circle>;

/** Asked for without circles. */
export const circles = define(NS.kithCircle, 'circles', { circles: children(circle) });
