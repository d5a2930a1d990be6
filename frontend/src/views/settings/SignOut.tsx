import { createSignal, type JSX } from 'solid-js';
import { useView } from '../context';
import { Confirm } from '../parts/Dialog';

/** Asks before everything this browser keeps is deleted. */
export default function SignOut(): JSX.Element {
  const { app, t } = useView();
  const several = (): boolean => app.accounts.get().length > 1;
  const [busy, setBusy] = createSignal(false);
  const go = async (): Promise<void> => {
    setBusy(true);
    if (await app.attempt(() => app.core.signOut())) {
      app.overlays.close();
      app.router.go({ name: 'home' }, { replace: true });
    } else setBusy(false);
  };
  return (
    <Confirm
      title={several() ? t().accounts.signOutTitle(app.session.get().address ?? '') : t().settings.signOutTitle}
      text={several() ? `${t().settings.signOutText} ${t().accounts.signOutOthers}` : t().settings.signOutText} danger busy={busy()}
      action={busy() ? t().settings.signOutBusy : t().settings.signOutConfirm}
      onConfirm={() => void go()} onCancel={() => app.overlays.close()}
    />
  );
}
