import type { Plugin } from 'vite';

const dynamic = /\bimport\(\s*(["'`])(\.{1,2}\/[^"'`]+)\1\s*\)/g;
const helper = `const askAgain = /* @__PURE__ */ (() => {
  const failures = {};
  return async (path) => {
    const before = failures[path];
    try {
      return await import(before ? path + "?again=" + before : path);
    } catch (error) {
      failures[path] = (before ?? 0) + 1;
      throw error;
    }
  };
})();
`;

/**
 * Lets a part of the program that could not be fetched be asked for again. Browsers may remember a failure as long as the
 * page or worker lives (HTML, "fetch a single module script": the module map keeps null), so the second time it is asked for
 * by another address, which the server and the service worker take for the same.
 */
export function askAgain(): Plugin {
  return {
    name: 'kith-ask-again',
    apply: 'build',
    renderChunk(code) {
      dynamic.lastIndex = 0;
      if (!dynamic.test(code)) return null;
      return { code: helper + code.replace(dynamic, (_, quote: string, path: string) => `askAgain(${quote}${path}${quote})`), map: null };
    },
  };
}
