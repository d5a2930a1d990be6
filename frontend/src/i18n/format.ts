import type { Catalogue } from './en';

const day = 24 * 60 * 60_000;

/** Dates, times and numbers as the person is used to them. */
export interface Formats {
  /** 10:42 */
  time(at: number): string;
  /** For the chat list: the time today, "Yesterday", a weekday, then the date. */
  brief(at: number, now: number): string;
  /** For separators between days. */
  day(at: number, now: number): string;
  /** Date and time in full. */
  full(at: number): string;
  /** "3 days ago"; "just now" for less than a minute. */
  ago(at: number, now: number): string;
  number(value: number): string;
  /** "52.51627": of coordinates. */
  degrees(value: number): string;
  /** "25 m", "1.4 km". */
  distance(metres: number): string;
  /** 12.3 MB */
  bytes(value: number): string;
  /** "1.4 MB" */
  size(bytes: number): string;
  /** "Anna, Ben and Clara" */
  list(parts: readonly string[]): string;
  /** "0:07", "12:30", "1:02:03": how long a recording is, or how far it was heard. */
  clock(seconds: number): string;
  /** "1 day", "8 hours": the largest unit that fits without a rest. */
  duration(seconds: number): string;
}

/** Days between two moments by the calendar, not by hours. */
function daysBetween(at: number, now: number): number {
  const a = new Date(at);
  const b = new Date(now);
  return Math.round((Date.UTC(b.getFullYear(), b.getMonth(), b.getDate()) - Date.UTC(a.getFullYear(), a.getMonth(), a.getDate())) / day);
}

export function formatsFor(locale: string, words: Catalogue['time']): Formats {
  const time = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
  const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short' });
  const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
  const dateYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'numeric', year: '2-digit' });
  const longDay = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
  const longDayYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' });
  const full = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const number = new Intl.NumberFormat(locale);
  const degrees = new Intl.NumberFormat(locale, { minimumFractionDigits: 5, maximumFractionDigits: 5 });
  const bytes = new Map(['kilobyte', 'megabyte', 'gigabyte'].map((unit) => [unit, new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: 1 })]));
  const list = new Intl.ListFormat(locale);
  const two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2 });
  const sameYear = (at: number, now: number): boolean => new Date(at).getFullYear() === new Date(now).getFullYear();
  return {
    time: (at) => time.format(at),
    brief: (at, now) => {
      const days = daysBetween(at, now);
      if (days <= 0) return time.format(at);
      if (days === 1) return words.yesterday;
      if (days < 7) return weekday.format(at);
      return (sameYear(at, now) ? date : dateYear).format(at);
    },
    day: (at, now) => {
      const days = daysBetween(at, now);
      if (days === 0) return words.today;
      if (days === 1) return words.yesterday;
      return (sameYear(at, now) ? longDay : longDayYear).format(at);
    },
    full: (at) => full.format(at),
    ago: (at, now) => {
      const seconds = Math.max(0, (now - at) / 1000);
      if (seconds < 60) return words.justNow;
      if (seconds < 3600) return relative.format(-Math.round(seconds / 60), 'minute');
      if (daysBetween(at, now) === 0) return relative.format(-Math.round(seconds / 3600), 'hour');
      const days = daysBetween(at, now);
      if (days < 30) return relative.format(-days, 'day');
      if (days < 365) return relative.format(-Math.round(days / 30), 'month');
      return relative.format(-Math.round(days / 365), 'year');
    },
    number: (value) => number.format(value),
    degrees: (value) => degrees.format(value),
    distance: (metres) => {
      const [unit, size] = metres < 1000 ? ['meter', 1] as const : ['kilometer', 1000] as const;
      return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: metres >= 1000 && metres < 10_000 ? 1 : 0 }).format(Math.max(1, metres) / size);
    },
    bytes: (value) => {
      const [unit, size] = value < 1e6 ? ['kilobyte', 1e3] : value < 1e9 ? ['megabyte', 1e6] : ['gigabyte', 1e9];
      return bytes.get(unit)?.format(value / size) ?? '';
    },
    size: (bytes) => {
      const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
      const step = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
      return new Intl.NumberFormat(locale, { style: 'unit', unit: units[step] ?? 'byte', unitDisplay: 'short', maximumFractionDigits: step > 1 ? 1 : 0 }).format(bytes / 1000 ** step);
    },
    list: (parts) => list.format(parts),
    clock: (seconds) => {
      const whole = Math.max(0, Math.floor(seconds));
      const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, two.format(whole % 60)];
      return hours > 0 ? `${number.format(hours)}:${two.format(minutes)}:${rest}` : `${number.format(minutes)}:${rest}`;
    },
    duration: (seconds) => {
      const units = [['week', 604_800], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]] as const;
      const [unit, size] = units.find(([, length]) => seconds >= length && seconds % length === 0) ?? ['second', 1];
      return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size);
    },
  };
}
