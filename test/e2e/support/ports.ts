import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the range from which the system takes ports for outgoing connections: nobody gets one while its server is away for a moment.
const first = 20_000;
const count = 10_000;
let next = (process.pid * 37) % count;

/** A port that nobody listens at. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < count; tries++) {
    const port = first + (next++ % count);
    if (await free(port, '127.0.0.1') && await free(port, '::1')) return port;
  }
  throw new Error('no free port');
}

async function free(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL';
  }
  server.close();
  await once(server, 'close');
  return true;
}
