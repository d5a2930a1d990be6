import type { Message } from '../../core/api';
import type { Catalogue } from '../../i18n/en';

/** What a message says, in words, also where it is a picture: for whom it is read out. */
export function inWords(words: Catalogue, message: Message): string {
  const { file, location, poll, text } = message;
  if (poll) return `${words.poll.kind}, ${text}`;
  if (file?.sticker) return [words.sticker.kind, file.sticker.description].filter((part) => part !== '').join(', ');
  if (file?.voice) return words.voice.kind;
  if (file) return [words.chat.fileKinds[file.kind], file.name, text].filter((part) => part !== '').join(', ');
  if (location) return location.name === undefined ? words.location.kind : words.location.named(location.name);
  return text;
}
