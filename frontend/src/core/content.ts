/** What stands beside the text of a message: for how long it is kept, whom it names, a question with its answers. */
import type { ChatRecord, Deed, MessageRecord, PollRecord } from '../db/schema';
import { close, poll, vote } from '../xmpp/kith_polls';
import { pin } from '../xmpp/kith_pins';
import { mention, type Mentioned } from '../xmpp/xep0372_references';
import { ephemeral } from '../xmpp/xep0466_ephemeral';
import { cleanText, type XmlElement } from '../xmpp/xml';
import type { NewPoll } from './api';
import { fail } from './reasons';

const MAX_OPTIONS = 12;
const MAX_QUESTION = 300;
const MAX_OPTION = 100;
/** A year: longer is for good. */
export const MAX_TIMER = 366 * 86_400;

/** What the sender adds to a message that is not text. */
export type NewContent = Pick<MessageRecord, 'poll' | 'timerSet'>;

interface Wire {
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** As it goes out: `elements` in an envelope, `outside` where only the text is encrypted and all can read the rest. */
export interface WireContent {
  readonly text?: string;
  readonly elements: readonly XmlElement[];
  readonly outside: readonly XmlElement[];
}

export function wireContent(message: MessageRecord, { text, children }: Wire, mentioned: readonly Mentioned[]): WireContent {
  const seconds = message.timerSet ?? message.timer;
  const outside = [...children, ...(seconds === undefined ? [] : [ephemeral.write({ timer: seconds })])];
  // The names stand behind the quotation, which is counted as well.
  const before = [...text].length - [...message.text].length;
  const elements = [
    ...outside,
    ...mentioned.map((one) => mention({ ...one, begin: one.begin + before, end: one.end + before })),
    ...(message.poll ? [poll.write({ question: message.poll.question, options: message.poll.options.map((one) => ({ text: one })), ...(message.poll.several && { several: true }) })] : []),
  ];
  return { elements, outside, ...(message.timerSet === undefined && { text: message.poll ? pollText(message.poll) : text }) };
}

/** A question as it is asked. Throws CoreError without a question and two answers. */
export function askedPoll({ question, options, several }: NewPoll): PollRecord {
  const asked = cleanText(question).trim().slice(0, MAX_QUESTION);
  const answers = [...new Set(options.map((option) => cleanText(option).trim().slice(0, MAX_OPTION)))].filter((option) => option !== '');
  if (asked === '' || answers.length < 2 || answers.length > MAX_OPTIONS) throw fail('internal', 'a question and two answers at least');
  return { question: asked, options: answers, several };
}

/** A question for those who see only text. */
export function pollText({ question, options, several }: PollRecord): string {
  return [`📊 ${question}`, ...options.map((option, i) => `${i + 1}. ${option}`), several ? '(1, 2, …)' : `(1–${options.length})`].join('\n');
}

/** What is read of it. `text`: instead of that which the message has. */
export function readContent(message: XmlElement, text: string): Partial<Pick<MessageRecord, 'timer' | 'timerSet' | 'poll' | 'text'>> {
  const seconds = ephemeral.in(message)?.timer;
  if (text === '') return seconds === undefined ? {} : { timerSet: Math.min(seconds, MAX_TIMER) };
  const asked = poll.in(message);
  const options = asked?.options.map((option) => option.text.slice(0, MAX_OPTION)) ?? [];
  const whole = asked && asked.question.trim() !== '' && options.length >= 2 && options.length <= MAX_OPTIONS;
  return {
    ...(seconds !== undefined && seconds > 0 && { timer: Math.min(seconds, MAX_TIMER) }),
    ...(whole && { poll: { question: asked.question.slice(0, MAX_QUESTION), options, several: asked.several === true }, text: asked.question.slice(0, MAX_QUESTION) }),
  };
}

/** A message without a text that has something to say all the same. */
export function saysSomething(message: XmlElement): boolean {
  return ephemeral.in(message) !== undefined;
}

/** How long what is sent now is kept. */
export function timing({ timer }: ChatRecord, at: number): Pick<MessageRecord, 'timer' | 'expires'> {
  return timer && timer.seconds > 0 ? { timer: timer.seconds, expires: at + timer.seconds * 1000 } : {};
}

/** Pins and votes: what is done to a message besides correcting it and reacting to it. */
export function readContentDeed(message: XmlElement): Deed | undefined {
  const pinned = pin.in(message);
  if (pinned) return { kind: 'pin', ref: pinned.id, pinned: pinned.pinned };
  const chosen = vote.in(message);
  if (chosen) return { kind: 'vote', ref: chosen.id, choices: chosen.choices.map((choice) => choice.option), text: '' };
  const closed = close.in(message);
  return closed && { kind: 'close', ref: closed.id };
}

export function contentDeedElement(deed: Extract<Deed, { kind: 'pin' | 'vote' | 'close' }>): XmlElement {
  switch (deed.kind) {
    case 'pin': return pin.write({ id: deed.ref, pinned: deed.pinned });
    case 'vote': return vote.write({ id: deed.ref, choices: deed.choices.map((option) => ({ option })) });
    case 'close': return close.write({ id: deed.ref });
  }
}

/** What of a deed is text: all that those read who do not know it. */
export function deedText(deed: Deed): string | undefined {
  if (deed.kind === 'edit') return deed.text;
  return deed.kind === 'vote' && deed.text !== '' ? deed.text : undefined;
}
