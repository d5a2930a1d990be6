import type { Plugin } from 'vite';

const sink = 't.innerHTML = html;';
const policy = `const trustedTemplates = globalThis.trustedTypes
  ? globalThis.trustedTypes.createPolicy("solid", { createHTML: (html) => html })
  : { createHTML: (html) => html };
`;

/**
 * Lets Solid run under `require-trusted-types-for 'script'`.
 *
 * Solid's compiler turns the fixed markup of a component into a string that its runtime parses once, by innerHTML on
 * a <template> element. That is the only HTML the app ever parses, it comes from the compiler alone, and so it may
 * have a Trusted Types policy of its own ("solid"): the policy object is a constant of the runtime's module and is out
 * of reach for everything else. Any other innerHTML, in the app or a library, stays refused by the browser.
 * The build fails when the runtime no longer has exactly that one line.
 */
export function trustedTemplates(): Plugin {
  return {
    name: 'kith:trusted-templates',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/solid-js\/web\/dist\/(web|dev)\.js$/.test(id.split('?')[0] ?? id)) return null;
      if (code.split(sink).length !== 2) this.error(`solid-js: expected "${sink}" once in ${id}`);
      return { code: policy + code.replace(sink, 't.innerHTML = trustedTemplates.createHTML(html);'), map: null };
    },
  };
}
