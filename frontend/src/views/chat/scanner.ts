/** Reads QR codes from a camera by the browser's own BarcodeDetector, where it has one. */

interface Detector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}
interface DetectorClass {
  new(options: { formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
}

const wanted = ['qr_code', 'aztec'];
const every = 250;

/** Whether this browser can scan at all. Some have the class and no formats. */
export async function canScan(): Promise<boolean> {
  const Detector = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (!Detector || !('mediaDevices' in navigator)) return false;
  const formats = await Detector.getSupportedFormats().catch((): readonly string[] => []);
  return formats.includes('qr_code');
}

/** Shows the camera in `video` and calls `found` with every code seen, until `signal` ends it. Rejects when the camera may not be used. */
export async function scan(video: HTMLVideoElement, found: (text: string) => void, signal: AbortSignal): Promise<void> {
  const Detector = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (!Detector) throw new Error('scanner: no BarcodeDetector');
  const supported = await Detector.getSupportedFormats();
  const detector = new Detector({ formats: wanted.filter((format) => supported.includes(format)) });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const release = (): void => {
    clearTimeout(timer);
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  signal.addEventListener('abort', release, { once: true });
  try {
    // The person may have been asked for so long that nobody looks any more.
    signal.throwIfAborted();
    video.srcObject = stream;
    await video.play();
    signal.throwIfAborted();
  } catch (error) {
    release();
    throw error;
  }
  const look = async (): Promise<void> => {
    const codes = await detector.detect(video).catch(() => []);
    if (signal.aborted) return;
    for (const code of codes) found(code.rawValue);
    timer = setTimeout(() => void look(), every);
  };
  void look();
}
