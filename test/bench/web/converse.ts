/** converse.js as its documentation has it for a whole page, with everything kept that an app can keep. */
import type { Server as HTTPServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { serve } from './files';

const dist = fileURLToPath(new URL('node_modules/converse.js/dist', import.meta.url));

/** Serves it for people of the server at this port. At /?NAME:PASSWORD somebody is signed in. */
export async function converse(http: number): Promise<{ origin: string; server: HTTPServer }> {
  const { port, server } = await serve(dist, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="converse.min.css"></head>
<body class="converse-fullscreen"><div id="conversejs-bg"></div><script type="module">
import "./converse.min.js";
const [name, password] = decodeURIComponent(location.search.slice(1)).split(':');
converse.plugins.add('bench', { initialize() { window.bench = this._converse; } });
converse.initialize({
  authentication: 'login', ...(password && { auto_login: true, jid: name + '@localhost', password }),
  websocket_url: 'ws://localhost:${String(http)}/ws', discover_connection_methods: false, assets_path: '/', i18n: 'en', loglevel: 'error',
  view_mode: 'fullscreen', persistent_store: 'IndexedDB', message_archiving: 'always', allow_non_roster_messaging: true,
  omemo_default: true, whitelisted_plugins: ['bench'], play_sounds: false, show_desktop_notifications: false,
});
</script></body></html>`);
  return { origin: `http://localhost:${String(port)}`, server };
}
