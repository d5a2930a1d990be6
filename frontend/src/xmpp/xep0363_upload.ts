/** XEP-0363: HTTP File Upload. */
import { attr, child, children, define, optional, text } from './codec';
import { NS } from './ns';

export const request = define(NS.upload, 'request', { filename: attr('filename'), size: attr.uint('size'), type: optional(attr('content-type')) });

const header = define(NS.upload, 'header', { name: attr('name'), value: text() });
const put = define(NS.upload, 'put', { url: attr('url'), headers: children(header) });
const get = define(NS.upload, 'get', { url: attr('url') });

/** Where to put the file, and where others get it. */
export const slot = define(NS.upload, 'slot', { put: child(put), get: child(get) });

/** The only headers that may be set as the service says (section 5). */
export const ALLOWED_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'expires']);
