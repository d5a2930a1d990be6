/** Reads QR codes with zbar, which shares no code with those who draw them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator } from '@playwright/test';

const run = promisify(execFile);

/** What the code in this element says. */
export async function readCode(element: Locator): Promise<string> {
  await element.scrollIntoViewIfNeeded();
  return decode('code.png', await element.screenshot());
}

/** What the code on a terminal says, which is drawn with upper half blocks, each in two colours of the 256. */
export async function readTerminalCode(screen: string): Promise<string> {
  const black = '16';
  const rows = screen.split('\n').filter((line) => line.includes('▀')).flatMap((line) => {
    const upper: boolean[] = [];
    const lower: boolean[] = [];
    let [above, below] = [false, false];
    for (const [, codes, block] of line.matchAll(/\x1b\[([\d;]*)m|(▀)/g)) {
      above = colour(codes, '38') === undefined ? above : colour(codes, '38') === black;
      below = colour(codes, '48') === undefined ? below : colour(codes, '48') === black;
      if (block !== undefined) {
        upper.push(above);
        lower.push(below);
      }
    }
    return [upper, lower];
  });
  const scale = 6;
  const width = Math.max(...rows.map((row) => row.length)) * scale;
  const height = rows.length * scale;
  const pixels = Buffer.alloc(width * height, 255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (rows[Math.floor(y / scale)]?.[Math.floor(x / scale)]) pixels[y * width + x] = 0;
    }
  }
  return decode('code.pgm', Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), pixels]));
}

/** The colour that a sequence sets, of letters (38) or of what is behind them (48). */
function colour(codes: string | undefined, which: '38' | '48'): string | undefined {
  return new RegExp(`(?:^|;)${which};5;(\\d+)`).exec(codes ?? '')?.[1];
}

async function decode(name: string, picture: Buffer): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'kith-code-'));
  try {
    writeFileSync(join(directory, name), picture);
    const { stdout } = await run('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', join(directory, name)]);
    return stdout.trimEnd();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
