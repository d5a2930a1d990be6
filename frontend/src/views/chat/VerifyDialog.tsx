import { Camera, CircleAlert, CircleCheck } from 'lucide';
import { createMemo, createSignal, type JSX, lazy, onCleanup, onMount, Show, Suspense } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { Resource } from '../../stores/resource';
import { type Verdict, verify } from '../../stores/verification';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { CopyField } from '../parts/CopyText';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { Failed } from '../parts/states';
import { Tabs } from '../parts/Tabs';
import { DeviceList } from './DeviceList';
import { canScan, scan } from './scanner';
import './lock.css';

const Qr = lazy(async () => ({ default: (await import('../parts/Qr')).Qr }));

/** Comparing codes: show mine, read theirs by camera or as text, or compare by eye. */
export default function VerifyDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.address));
  const [tab, setTab] = createSignal<'show' | 'scan'>('show');
  return (
    <Dialog title={t().verify.title(chat().title)} onClose={() => app.overlays.close()}>
      <p>{t().verify.intro(chat().title)}</p>
      <Tabs
        label={t().verify.title(chat().title)} value={tab()} onChange={setTab}
        tabs={[{ value: 'show', label: t().verify.show }, { value: 'scan', label: t().verify.scan }]}
      >
        <Show when={tab() === 'show'} fallback={<Theirs address={props.address} />}><Mine /></Show>
      </Tabs>
      <h3>{t().verify.byEye}</h3>
      <p class="quiet">{t().verify.byEyeText}</p>
      <DeviceList address={props.address} />
    </Dialog>
  );
}

function Mine(): JSX.Element {
  const { app, t } = useView();
  const uri = new Resource(() => app.core.verificationUri());
  const state = read(uri);
  return (
    <Show
      when={((now) => now.status === 'ready' && now.value)(state())}
      fallback={<Show when={((now) => now.status === 'failed' && now.reason)(state())}>{(reason) => <Failed reason={reason()} onRetry={() => void uri.load()} />}</Show>}
    >
      {(text) => (
        <div class="verify-mine">
          <p class="quiet">{t().verify.showText}</p>
          <Suspense><Qr text={text()} label={t().verify.ownCode} /></Suspense>
          <CopyField label={t().verify.ownCode} text={text()} />
        </div>
      )}
    </Show>
  );
}

function Theirs(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const [camera, setCamera] = createSignal<'unknown' | 'none' | 'ready' | 'on' | 'denied'>('unknown');
  const [pasted, setPasted] = createSignal('');
  const [verdict, setVerdict] = createSignal<Verdict>();
  let video!: HTMLVideoElement;
  let looking: AbortController | undefined;
  let busy = false;

  onMount(() => void canScan().then((can) => setCamera(can ? 'ready' : 'none')));
  const stop = (): void => {
    looking?.abort();
    looking = undefined;
    if (camera() === 'on') setCamera('ready');
  };
  onCleanup(stop);
  const check = async (text: string): Promise<void> => {
    if (busy) return;
    busy = true;
    setVerdict(await verify(app.core, props.address, text));
    busy = false;
    if (verdict()?.kind !== 'not-code') stop();
  };
  const start = async (): Promise<void> => {
    const { signal } = looking = new AbortController();
    setVerdict(undefined);
    setCamera('on');
    try {
      await scan(video, (text) => void check(text), signal);
    } catch {
      if (!signal.aborted) setCamera('denied');
    }
  };
  const words = (): string => {
    const now = verdict();
    switch (now?.kind) {
      case 'fits': return now.verified > 0 ? t().verify.ok(now.verified) : t().verify.okNone;
      case 'other': return t().verify.other(now.address);
      case 'mismatch': return t().verify.mismatch;
      case 'not-code': return t().verify.notCode;
      case 'failed': return t().reason(now.reason);
      case undefined: return '';
    }
  };
  return (
    <div class="verify-theirs">
      <Show when={camera() === 'none'}><p class="quiet">{t().verify.cameraNone}</p></Show>
      <Show when={camera() === 'denied'}><p class="form-error" role="alert"><Icon of={CircleAlert} />{t().verify.cameraDenied}</p></Show>
      <video ref={video} class="verify-camera" classList={{ 'is-on': camera() === 'on' }} muted playsinline aria-label={t().verify.cameraView} />
      <Show when={camera() === 'ready' || camera() === 'on' || camera() === 'denied'}>
        <p class="quiet">{t().verify.scanText}</p>
        <Button icon={Camera} look={camera() === 'on' ? 'plain' : 'primary'} wide onClick={() => (camera() === 'on' ? stop() : void start())}>
          {camera() === 'on' ? t().verify.cameraStop : t().verify.camera}
        </Button>
      </Show>
      <form class="form" onSubmit={(event) => { event.preventDefault(); void check(pasted()); }}>
        <Field label={t().verify.paste} hint={t().verify.pasteHint} value={pasted()} onInput={setPasted} dir="ltr" autocomplete="off" spellcheck={false} />
        <Button type="submit" wide disabled={pasted().trim() === ''}>{t().verify.pasteSubmit}</Button>
      </form>
      <div role="status">
        <Show when={verdict()}>
          {(now) => (
            <p class="verdict" classList={{ 'verdict-good': now().kind === 'fits', 'verdict-bad': now().kind === 'mismatch' }}>
              <Icon of={now().kind === 'fits' ? CircleCheck : CircleAlert} />{words()}
            </p>
          )}
        </Show>
      </div>
    </div>
  );
}
