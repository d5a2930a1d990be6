import { type JSX, Show } from 'solid-js';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { CopyField, ShareButton } from '../parts/CopyText';
import { Dialog } from '../parts/Dialog';
import { Qr } from '../parts/Qr';
import { Failed } from '../parts/states';

/** An invitation as a link to send and a code to scan. */
export default function InviteDialog(): JSX.Element {
  const { app, t, formats } = useView();
  const invitation = new Resource(() => app.core.createInvite());
  const state = read(invitation);
  return (
    <Dialog title={t().inviteSomebody.title} size="small" onClose={() => app.overlays.close()}>
      <p>{t().inviteSomebody.text}</p>
      <Show
        when={((now) => now.status === 'ready' && now.value)(state())}
        fallback={(
          <Show
            when={((now) => now.status === 'failed' && now.reason)(state())}
            fallback={<div class="qr-place" role="status"><span class="hidden">{t().inviteSomebody.making}</span></div>}
          >
            {(reason) => <Failed reason={reason()} onRetry={() => void invitation.load()} />}
          </Show>
        )}
      >
        {(link) => (
          <div class="invite-link">
            <Qr text={link().url} label={t().inviteSomebody.code} />
            <CopyField label={t().inviteSomebody.link} text={link().url} />
            <p class="quiet">{t().inviteSomebody.expires(formats().full(link().expires))}</p>
            <div class="line line-end">
              <Button look="quiet" onClick={() => void invitation.load()}>{t().inviteSomebody.another}</Button>
              <ShareButton url={link().url} text={t().inviteSomebody.shareText} />
            </div>
          </div>
        )}
      </Show>
    </Dialog>
  );
}
