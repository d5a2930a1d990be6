/** 64 hex digits as eight groups of eight, the form in which people compare them. */
export function groups(fingerprint: string): readonly string[] {
  return fingerprint.toLowerCase().match(/.{1,8}/g) ?? [];
}
