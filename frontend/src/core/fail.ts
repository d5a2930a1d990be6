/** Reasons that the core itself has. */
import { CoreError, type Reason, type ReasonCode } from './api';

export function reason(code: ReasonCode, detail?: string, seconds?: number): Reason {
  return { code, ...(detail !== undefined && { detail }), ...(seconds !== undefined && { seconds }) };
}

export function fail(code: ReasonCode, detail?: string, seconds?: number): CoreError {
  return new CoreError(reason(code, detail, seconds));
}
