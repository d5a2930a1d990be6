import { CoreError, type Reason } from '../core/api';

/** What went wrong, in the words of the program, whatever was thrown. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof CoreError) return error.reason;
  // Thrown on the other side of a worker, an error keeps its fields but not its class.
  if (typeof error === 'object' && error !== null && 'reason' in error) {
    const { reason } = error;
    if (typeof reason === 'object' && reason !== null && 'code' in reason) return reason as Reason;
  }
  return { code: 'internal', detail: error instanceof Error ? error.message : String(error) };
}
