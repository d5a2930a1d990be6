import type { Plugin } from 'vite';

const probe = "div.innerHTML = '<svg/>';";
const same = "div.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));";

/**
 * Lets Leaflet be loaded under `require-trusted-types-for 'script'`: as it is loaded it parses a piece of HTML to find out whether the
 * browser draws SVG, which every browser that runs the app does. What else of it parses HTML (controls, popups, icons made of HTML)
 * is not used, and stays refused by the browser. The build fails when Leaflet no longer has exactly that line.
 */
export function leaflet(): Plugin {
  return {
    name: 'kith-leaflet',
    enforce: 'pre',
    // As a module, of which only what is used goes into the app.
    config: () => ({ resolve: { alias: [{ find: /^leaflet$/, replacement: 'leaflet/dist/leaflet-src.esm.js' }] } }),
    transform(code, id) {
      if (!(id.split('?')[0] ?? id).endsWith('/leaflet/dist/leaflet-src.esm.js')) return null;
      if (code.split(probe).length !== 2) this.error('Leaflet asks about SVG in another way: look at build/leaflet.ts');
      return { code: code.replace(probe, same), map: null };
    },
  };
}
