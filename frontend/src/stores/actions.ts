import { reasonOf } from './reason';
import type { Done, NoticeStore } from './notices';

/** Does something the person asked for, and says how it went. Resolves to whether it succeeded. */
export type Attempt = (what: () => Promise<unknown>, done?: Done) => Promise<boolean>;

export function attempts(notices: NoticeStore): Attempt {
  return async (what, done) => {
    try {
      await what();
      if (done) notices.done(done);
      return true;
    } catch (error) {
      notices.error(reasonOf(error));
      return false;
    }
  };
}
