import { ArrowLeft, Ban, ChevronRight, Pencil, Trash, UserPlus, X } from 'lucide';
import { createMemo, createSignal, type JSX, onMount, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { read } from '../adapter';
import { useView } from '../context';
import { media, threePanes } from '../media';
import { Avatar } from '../parts/Avatar';
import { Button, IconButton } from '../parts/Button';
import { CopyButton } from '../parts/CopyText';
import { Confirm } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { lockIcons } from '../parts/Marks';
import './details.css';

/** Everything about a contact, beside the chat where there is room. */
export default function Details(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.address));
  const contact = createMemo(() => contacts().get(props.address));
  const [asking, setAsking] = createSignal<'block' | 'remove'>();
  const [name, setName] = createSignal<string>();
  const beside = media(threePanes);
  let heading!: HTMLHeadingElement;
  onMount(() => heading.focus({ preventScroll: true }));
  const listed = (): boolean => contact()?.relation === 'mutual' || contact()?.relation === 'pending';

  const rename = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wished = name()?.trim();
    if (wished === undefined || wished === chat().title) setName(undefined);
    else if (await app.attempt(() => app.core.renameContact(props.address, wished), 'saved')) setName(undefined);
  };
  const remove = async (): Promise<void> => {
    setAsking(undefined);
    if (await app.attempt(() => app.core.removeContact(props.address), 'contact-removed')) app.router.up();
  };
  const block = async (): Promise<void> => {
    setAsking(undefined);
    await app.attempt(() => app.core.block(props.address), 'blocked');
  };
  return (
    <div class="details" role={beside() ? 'complementary' : 'main'} aria-labelledby="details-title">
      <div class="pane-head">
        <IconButton class="details-back" icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.up()} />
        <h2 id="details-title" ref={heading} tabindex="-1" aria-level={beside() ? 2 : 1}>{t().details.title}</h2>
        <IconButton class="details-close" icon={X} label={t().common.close} onClick={() => app.router.up()} />
      </div>
      <div class="details-body">
        <div class="details-who">
          <Avatar address={props.address} name={chat().title} size="large" availability={contact()?.availability} />
          <Show
            when={name() !== undefined}
            fallback={(
              <div class="details-name">
                <b><bdi>{chat().title}</bdi></b>
                <Show when={listed()}><IconButton icon={Pencil} label={t().details.rename} onClick={() => setName(chat().title)} /></Show>
              </div>
            )}
          >
            <form class="details-rename" onSubmit={(event) => void rename(event)}>
              <Field label={t().details.rename} value={name() ?? ''} onInput={setName} maxlength="60" ref={(element) => queueMicrotask(() => element.focus())} />
              <div class="line">
                <Button look="quiet" onClick={() => setName(undefined)}>{t().common.cancel}</Button>
                <Button look="primary" type="submit">{t().common.save}</Button>
              </div>
            </form>
          </Show>
          <Show when={contact()}>{(it) => <p class="quiet">{t().presence[it().availability]}<Show when={it().status}> · <bdi>{it().status}</bdi></Show></p>}</Show>
        </div>

        <div class="card facts-card">
          <dl>
            <dt>{t().details.address}</dt>
            <dd><bdi dir="ltr" class="address">{props.address}</bdi></dd>
          </dl>
          <CopyButton text={props.address} look="quiet" label={t().details.copyAddress} />
        </div>

        <button type="button" class="card nav-line" onClick={() => app.overlays.open({ name: 'lock', address: props.address })}>
          <Icon of={lockIcons[chat().lock]} class={`lock-${chat().lock}`} />
          <span class="nav-line-text"><span>{t().details.lock}</span><small>{t().lock[chat().lock]}</small></span>
          <Icon of={ChevronRight} mirror />
        </button>

        <Show when={contact()?.relation === 'pending'}><p class="quiet details-note">{t().details.pending}</p></Show>

        <div class="card actions-card">
          <Show when={!listed() && !contact()?.blocked}>
            <button type="button" class="nav-line" onClick={() => void app.attempt(() => app.core.addContact(props.address), 'request-sent')}>
              <Icon of={UserPlus} /><span class="nav-line-text">{t().details.add}</span>
            </button>
          </Show>
          <Show
            when={contact()?.blocked}
            fallback={(
              <button type="button" class="nav-line nav-line-danger" onClick={() => setAsking('block')}>
                <Icon of={Ban} /><span class="nav-line-text">{t().details.block}</span>
              </button>
            )}
          >
            <button type="button" class="nav-line" onClick={() => void app.attempt(() => app.core.unblock(props.address), 'unblocked')}>
              <Icon of={Ban} /><span class="nav-line-text">{t().details.unblock}</span>
            </button>
          </Show>
          <Show when={listed()}>
            <button type="button" class="nav-line nav-line-danger" onClick={() => setAsking('remove')}>
              <Icon of={Trash} /><span class="nav-line-text">{t().details.remove}</span>
            </button>
          </Show>
        </div>
      </div>
      <Show when={asking() === 'block'}>
        <Confirm
          title={t().details.blockTitle(chat().title)} text={t().details.blockText} action={t().details.block} danger
          onConfirm={() => void block()} onCancel={() => setAsking(undefined)}
        />
      </Show>
      <Show when={asking() === 'remove'}>
        <Confirm
          title={t().details.removeTitle(chat().title)} text={t().details.removeText} action={t().details.remove} danger
          onConfirm={() => void remove()} onCancel={() => setAsking(undefined)}
        />
      </Show>
    </div>
  );
}
