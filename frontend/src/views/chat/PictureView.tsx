import { ChevronLeft, ChevronRight, Download, Forward, ImageOff, X, ZoomIn, ZoomOut } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, on, onCleanup, onMount, Show } from 'solid-js';
import type { Message } from '../../core/api';
import { beside, isGone, isPictured, type Pictured, picturesOf } from '../../stores/album';
import { chatWith } from '../../stores/chats';
import { authorOf } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { Button, IconButton } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Keyed } from '../parts/Keyed';
import { RichText } from '../parts/RichText';
import { fileSource, linkTo, save, unasked } from './filesource';
import { gestures } from './gestures';
import { close as closeUp, type Point, type Size, step, whole, within, type Zoom, zoomed } from './zoom';
import './picture.css';

/** How often more of the chat is fetched in search of the next picture, before one moves on. */
const mostTries = 10;
/** Drawn aside by this part of the stage, or this fast (pixels per millisecond), the next picture comes. */
const enough = 0.25;
const fast = 0.4;
/** Drawn down so far, the view closes. */
const downEnough = 110;
/** How far the arrow keys move what is seen of a large picture. */
const keyStep = 80;

/** The pictures of a chat, one at a time and as large as the window lets them be. What fingers do is followed at once. */
export default function PictureView(props: { readonly message: Message }): JSX.Element {
  const { app, t, formats } = useView();
  const conversation = app.conversations.of(props.message.chat);
  const state = read(conversation);
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const session = read(app.session);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.message.chat));
  const trusted = (message: Message): boolean => message.outgoing || chat().kind === 'group' || contacts().get(props.message.chat)?.relation === 'mutual';
  const who = (message: Message): string => (message.outgoing || message.from === session().address ? t().common.you : authorOf(contacts(), chat(), message));

  // ── which one ──

  const [chosen, setChosen] = createSignal(props.message as Pictured);
  /** As it is now. */
  const current = createMemo((): Pictured => {
    const row = state().rows.byKey.get(chosen().id);
    return row?.kind === 'message' && isPictured(row.message) ? row.message : chosen();
  });
  const around = createMemo(() => beside(picturesOf(state().rows), current().order));
  const slides = createMemo(() => [around().before, current(), around().after].filter((it) => it !== undefined));
  createEffect(() => { if (isGone(state().rows, state().hasNewer, chosen())) app.overlays.close(); });
  // What is beside it may not be loaded yet.
  let tries = 0;
  createEffect(() => {
    const { loading, hasNewer, status } = state();
    const { before, after } = around();
    if (loading !== undefined || status !== 'ready' || tries >= mostTries) return;
    const older = before === undefined && state().rows.keys[0] !== 'start';
    if (!older && (after !== undefined || !hasNewer)) return;
    tries++;
    queueMicrotask(() => void (older ? conversation.loadOlder() : conversation.loadNewer()));
  });
  const [urls, setUrls] = createSignal<ReadonlyMap<string, string>>(new Map());
  const url = (): string | undefined => urls().get(current().id);
  const [moved, setMoved] = createSignal(false);

  // ── how it lies ──

  let frame!: HTMLDivElement;
  let stage!: HTMLDivElement;
  let track!: HTMLDivElement;
  const [zoom, setZoom] = createSignal<Zoom>(whole);
  const near = (): boolean => zoom().scale > 1;
  const still = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
  const rtl = (): boolean => document.documentElement.dir === 'rtl';
  const image = (): HTMLImageElement | null => track.querySelector<HTMLImageElement>('.picture-slide[data-at="0"] img');
  const sizes = (): readonly [Size, Size] | undefined => {
    const shown = image();
    if (!shown || shown.naturalWidth === 0) return undefined;
    return [{ width: shown.naturalWidth, height: shown.naturalHeight }, { width: stage.clientWidth, height: stage.clientHeight }];
  };
  /** `calmly`: it is not led by a finger. */
  const lay = (next: Zoom, calmly = false): void => {
    const known = sizes();
    if (!known) return;
    stage.classList.toggle('picture-calm', calmly);
    setZoom(within(next, ...known));
  };
  const scaleBy = (by: number, from: Point = { x: 0, y: 0 }, to: Point = from, calmly = false): void => lay(zoomed(zoom(), zoom().scale * by, from, to), calmly);
  const toggle = (at: Point): void => lay(near() ? whole : zoomed(zoom(), closeUp, at), true);
  createEffect(() => {
    const { scale, x, y } = zoom();
    image()?.style.setProperty('transform', scale === 1 ? 'none' : `translate(${x}px, ${y}px) scale(${scale})`);
  });
  const refit = (): void => lay(zoom());
  window.addEventListener('resize', refit);
  onCleanup(() => window.removeEventListener('resize', refit));

  // ── from one to the next ──

  const put = ({ x, y }: Point): void => {
    track.style.setProperty('transform', `translate(${x}px, ${y}px)`);
    frame.style.setProperty('--shade', String(Math.max(0.2, 1 - y / 500)));
  };
  let drawn: Point = { x: 0, y: 0 };
  /** Ends what is on its way: it is there at once. */
  let arrive: () => void = () => undefined;
  /** Lets the pictures go on to a place. */
  const settle = (to: Point, then?: () => void): void => {
    arrive();
    const running = track.animate(
      [{ transform: `translate(${drawn.x}px, ${drawn.y}px)` }, { transform: `translate(${to.x}px, ${to.y}px)` }],
      { duration: still() ? 0 : 180, easing: 'cubic-bezier(0.2, 0, 0, 1)' },
    );
    drawn = { x: 0, y: 0 };
    put(to);
    arrive = () => {
      arrive = () => undefined;
      running.onfinish = null;
      running.cancel();
      then?.();
      put(drawn);
    };
    running.onfinish = arrive;
  };
  /** The next one to this side: -1 is older. */
  const go = (to: -1 | 1): void => {
    arrive();
    const next = to < 0 ? around().before : around().after;
    if (!next) return settle({ x: 0, y: 0 });
    // Who goes back sees the older one come from where a line begins.
    settle({ x: (to < 0) === rtl() ? -stage.clientWidth : stage.clientWidth, y: 0 }, () => {
      setZoom(whole);
      tries = 0;
      setMoved(true);
      setChosen(next);
      // The button that was pressed goes with the last one.
      if (!frame.contains(document.activeElement)) stage.focus({ preventScroll: true });
    });
  };
  const dismiss = (): void => app.overlays.close();

  onMount(() => onCleanup(gestures(stage, {
    near,
    onPinch: (by, from, to) => {
      arrive();
      scaleBy(by, from, to);
    },
    onDraw: (by) => {
      arrive();
      const into = by.x === 0 ? true : (by.x > 0) === rtl() ? around().after !== undefined : around().before !== undefined;
      drawn = { x: into ? by.x : by.x / 4, y: by.y }; // beyond the last one it goes heavily
      put(drawn);
    },
    onLetGo: (by, speed) => {
      if (by.y > downEnough || (by.y > 0 && speed.y > fast)) return dismiss();
      const far = Math.abs(by.x) > stage.clientWidth * enough || (Math.abs(speed.x) > fast && Math.sign(speed.x) === Math.sign(by.x));
      if (by.x !== 0 && far) go((by.x > 0) === rtl() ? 1 : -1);
      else settle({ x: 0, y: 0 });
    },
    onTap: (event) => {
      const shown = image()?.getBoundingClientRect();
      if (!shown || near()) return;
      // Beside the picture is outside of it. Its box is as large as the stage, and it lies in the middle of that.
      const known = sizes();
      const scale = known ? Math.min(1, known[1].width / known[0].width, known[1].height / known[0].height) : 1;
      const half = known ? { width: known[0].width * scale / 2, height: known[0].height * scale / 2 } : { width: 0, height: 0 };
      const x = Math.abs(event.clientX - shown.left - shown.width / 2), y = Math.abs(event.clientY - shown.top - shown.height / 2);
      if (x > half.width || y > half.height) dismiss();
    },
    onTwice: toggle,
  })));

  const keys = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const side = (x: number, y: number, to?: -1 | 1): void => {
      if (near()) lay({ ...zoom(), x: zoom().x + x, y: zoom().y + y }, true);
      else if (to) go(to);
    };
    switch (event.key) {
      case 'ArrowLeft': side(keyStep, 0, rtl() ? 1 : -1); break;
      case 'ArrowRight': side(-keyStep, 0, rtl() ? -1 : 1); break;
      case 'ArrowUp': side(0, keyStep); break;
      case 'ArrowDown': side(0, -keyStep); break;
      case '+': case '=': scaleBy(step, undefined, undefined, true); break;
      case '-': scaleBy(1 / step, undefined, undefined, true); break;
      case '0': lay(whole, true); break;
      default: return;
    }
    event.preventDefault();
  };
  const facts = (): string => `${who(current())}, ${formats().full(current().at)}`;
  return (
    <Dialog title={current().file.name} size="full" bare onClose={dismiss}>
      <div ref={frame} class="picture-view in-the-dark" onKeyDown={keys}>
        <div ref={stage} class="picture-stage" classList={{ 'picture-near': near() }} tabindex="-1" autofocus>
          <div ref={track} class="picture-track">
            <Keyed each={slides()} by={(it) => it.id}>
              {(it) => (
                <Slide
                  message={it()} at={it().id === current().id ? 0 : it().order < current().order ? -1 : 1} trusted={trusted(it())}
                  onUrl={(made) => setUrls((all) => new Map([...all, [it().id, made]]))}
                  onGone={(id) => setUrls((all) => new Map([...all].filter(([one]) => one !== id)))}
                />
              )}
            </Keyed>
          </div>
        </div>
        <header class="picture-head">
          <div class="picture-who">
            <b><bdi>{who(current())}</bdi></b>
            <time datetime={new Date(current().at).toISOString()}>{formats().full(current().at)}</time>
          </div>
          <IconButton class="picture-zoom" icon={near() ? ZoomOut : ZoomIn} label={near() ? t().album.smaller : t().album.larger} disabled={url() === undefined} onClick={() => toggle({ x: 0, y: 0 })} />
          <Show when={!current().file.uploading}>
            <IconButton icon={Forward} mirror label={t().chat.forward} onClick={() => app.overlays.open({ name: 'forward', message: current() })} />
          </Show>
          <IconButton icon={Download} label={t().common.save} disabled={url() === undefined} onClick={() => save(url()!, current().file.name)} />
          <IconButton icon={X} label={t().common.close} onClick={dismiss} />
        </header>
        <Show when={around().before}><IconButton class="picture-beside picture-before" icon={ChevronLeft} mirror label={t().album.before} onClick={() => go(-1)} /></Show>
        <Show when={around().after}><IconButton class="picture-beside picture-after" icon={ChevronRight} mirror label={t().album.after} onClick={() => go(1)} /></Show>
        <Show when={current().text !== ''}><p class="picture-caption" dir="auto" tabindex={current().text.length > 120 ? 0 : undefined}><RichText text={current().text} /></p></Show>
        <p class="hidden" role="status"><Show when={moved()}>{`${current().file.name}, ${facts()}`}</Show></p>
      </div>
    </Dialog>
  );
}

type SlideProps = {
  readonly message: Pictured;
  /** 0: in front; -1 and 1: beside it. */
  readonly at: -1 | 0 | 1;
  readonly trusted: boolean;
  readonly onUrl: (url: string) => void;
  readonly onGone: (id: string) => void;
};

function Slide(props: SlideProps): JSX.Element {
  const { t } = useView();
  const { url, failed, load } = fileSource(() => props.message, (file) => linkTo(props.message.file.kind, file));
  const { id } = props.message;
  // What is beside the picture is ready when one goes there. That of a stranger is fetched when one looks.
  createEffect(on(() => props.at, (at) => {
    if (at === 0 || (props.trusted && (props.message.file.size ?? 0) <= unasked)) void load();
  }));
  createEffect(() => {
    const made = url();
    if (made !== undefined) props.onUrl(made);
  });
  onCleanup(() => props.onGone(id));
  let picture: HTMLImageElement | undefined;
  createEffect(on(() => props.at, (at) => { if (at !== 0) picture?.style.removeProperty('transform'); }));
  return (
    <div class="picture-slide" data-at={props.at} inert={props.at !== 0} aria-hidden={props.at === 0 ? undefined : 'true'}>
      <Show
        when={url()}
        fallback={<Show when={failed()}>{(reason) => <div class="picture-failed" role="alert"><Icon of={ImageOff} /><p>{reason()}</p><Button onClick={() => void load()}>{t().common.retry}</Button></div>}</Show>}
      >
        {(source) => <img ref={picture} src={source()} alt={props.message.text || props.message.file.name} draggable={false} />}
      </Show>
    </div>
  );
}
