/**
 * What several parts of the app share goes together, so that opening the app takes a handful of requests and not one
 * for every icon. What only one part needs stays with that part and is fetched when it is opened.
 */
export const sharedChunks = [
  { name: 'ui', test: /node_modules[\\/](solid-js|lucide)[\\/]|src[\\/]views[\\/](parts[\\/](?!Qr)|[\w-]+\.tsx?$)|src[\\/](stores|i18n)[\\/](?!de\.ts)|node_modules[\\/](hsluv|@noble)[\\/]/, minShareCount: 2 },
];
