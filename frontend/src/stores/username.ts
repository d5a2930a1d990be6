const german: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss', æ: 'ae', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', œ: 'oe' };
const cyrillic: Readonly<Record<string, string>> = {
  а: 'a', б: 'b', в: 'v', г: 'h', ґ: 'g', д: 'd', е: 'e', є: 'ie', ж: 'zh', з: 'z', и: 'y', і: 'i', ї: 'i', й: 'i',
  к: 'k', л: 'l', м: 'm', н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't', у: 'u', ф: 'f', х: 'kh', ц: 'ts', ч: 'ch',
  ш: 'sh', щ: 'shch', ь: '', ъ: '', ю: 'iu', я: 'ia', ы: 'y', э: 'e', ё: 'e',
};

/** A user name for a person's name, as one would choose it: "Anna Müller" becomes "anna.mueller". */
export function suggestUserName(name: string): string {
  const letters = [...name.trim().toLocaleLowerCase().normalize('NFC')].map((c) => german[c] ?? cyrillic[c] ?? c).join('');
  const plain = letters.normalize('NFKD').replace(/\p{M}+/gu, '');
  return plain.replace(/['’`]/gu, '').replace(/[^\p{L}\p{N}]+/gu, '.').replace(/^\.+|\.+$/g, '').slice(0, 40).replace(/\.+$/, '');
}

/** Whether a server can take this as the part before the @ (RFC 7622 section 3.3.1; PRECIS is the server's). */
export function userNameFits(name: string): boolean {
  return name.length > 0 && name.length <= 64 && !/[\s"&'/:<>@\p{C}]/u.test(name);
}
