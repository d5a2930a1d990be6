/** Made by build/emoji.ts: the emoji, its group, its name, other words for it. */
declare module 'virtual:emoji-de' {
  const rows: readonly (readonly [unicode: string, group: number, label: string, tags: string])[];
  export default rows;
}
declare module 'virtual:emoji-en' {
  const rows: readonly (readonly [unicode: string, group: number, label: string, tags: string])[];
  export default rows;
}
declare module 'virtual:emoji-es' {
  const rows: readonly (readonly [unicode: string, group: number, label: string, tags: string])[];
  export default rows;
}
declare module 'virtual:emoji-fr' {
  const rows: readonly (readonly [unicode: string, group: number, label: string, tags: string])[];
  export default rows;
}
declare module 'virtual:emoji-uk' {
  const rows: readonly (readonly [unicode: string, group: number, label: string, tags: string])[];
  export default rows;
}
