/** A tile server: gives squares of a map that can be told apart, and remembers what it was asked and by whom. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { deflateSync } from 'node:zlib';
import { freePort } from './ports';

export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export class TileServer {
  readonly asked: Asked[] = [];

  private constructor(private readonly http: Server, readonly port: number) {}

  static async open(): Promise<TileServer> {
    const http = createServer();
    const tiles = new TileServer(http, await freePort());
    http.on('request', (request, response) => {
      const path = request.url ?? '';
      tiles.asked.push({ path, headers: request.headers });
      const [, z, x, y] = /^\/(\d+)\/(\d+)\/(\d+)\.png$/.exec(path) ?? [];
      if (z === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'Content-Type': 'image/png', 'Cache-Control': 'max-age=86400', ETag: '"1"' }).end(square(Number(x) + Number(z), Number(y)));
    });
    http.listen(tiles.port, '127.0.0.1');
    await once(http, 'listening');
    return tiles;
  }

  /** For the option `maps.tiles`. */
  get template(): string {
    return `http://127.0.0.1:${this.port}/{z}/{x}/{y}.png`;
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }
}

const side = 256;
type Colour = readonly [number, number, number];
const land: readonly Colour[] = [[242, 239, 233], [207, 230, 195], [232, 226, 214], [221, 232, 222]];
const road: Colour = [255, 255, 255], water: Colour = [170, 211, 223];

/** Land in one of four colours, with roads and a pond. */
function square(x: number, y: number): Buffer {
  const ground = land[(x % 2) + 2 * (y % 2)] ?? road;
  const rows = Buffer.alloc(side * (1 + side * 3));
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const isRoad = Math.abs(row - 90) < 6 || Math.abs(column - 170) < 5 || Math.abs(row + column - 300) < 4;
      const isWater = (row - 190) ** 2 + (column - 70) ** 2 < 1600;
      rows.set(isWater ? water : isRoad ? road : ground, row * (1 + side * 3) + 1 + column * 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4), check = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, check]);
}

/** CRC-32 as PNG has it. */
function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}
