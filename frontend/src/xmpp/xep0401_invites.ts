/** XEP-0401: Ad-hoc Account Invitation Generation. */
import { parseDate } from './codec';
import { NS } from './ns';
import { valueOf } from './xep0004_form';
import { command } from './xep0050_commands';
import type { XmlElement } from './xml';

const NODE = `${NS.invite}#invite`;

export interface Invitation {
  readonly token: string;
  readonly uri: string;
  /** The page that works on every device, when the server has one. */
  readonly landing?: string;
  /** Milliseconds since epoch; absent: it does not expire. */
  readonly expires?: number;
}

export function inviteRequest(): XmlElement {
  return command.write({ node: NODE, action: 'execute' });
}

export function readInvite(answer: XmlElement | undefined): Invitation | undefined {
  const done = command.read(answer);
  if (done?.status !== 'completed' || !done.form) return undefined;
  const uri = valueOf(done.form, 'uri');
  const token = /[?;]preauth=([^;]+)/.exec(uri ?? '')?.[1];
  if (uri === undefined || token === undefined) return undefined;
  const landing = valueOf(done.form, 'landing-url');
  const expires = parseDate(valueOf(done.form, 'expire') ?? '');
  return {
    token: decodeURIComponent(token), uri,
    ...(landing !== undefined && { landing }), ...(expires !== undefined && { expires }),
  };
}
