/** The one place that writes to the console, and only in development. Lines carry no address and no content. */

type Level = 'debug' | 'warn';

function write(level: Level, message: string, attributes: Readonly<Record<string, string | number | boolean>>): void {
  if (import.meta.env.DEV && import.meta.env.MODE !== 'test') console[level](message, attributes);
}

export const log = {
  debug: (message: string, attributes: Readonly<Record<string, string | number | boolean>> = {}): void => write('debug', message, attributes),
  warn: (message: string, attributes: Readonly<Record<string, string | number | boolean>> = {}): void => write('warn', message, attributes),
};
