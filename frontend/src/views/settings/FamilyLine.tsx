import { ChevronRight, Users } from 'lucide';
import { type JSX, Show } from 'solid-js';
import { toDecide } from '../../stores/family';
import { formatRoute, type Route } from '../../stores/route';
import { read } from '../adapter';
import { useView } from '../context';
import { Icon } from '../parts/Icon';

const to: Route = { name: 'settings', section: 'family' };

/** Above the list of chats: something of a child's waits for one's decision. */
export function FamilyLine(): JSX.Element {
  const { app, t, formats } = useView();
  const state = read(app.family);
  const count = (): number => toDecide(state().family);
  return (
    <Show when={count() > 0}>
      <a class="requests-line" href={formatRoute(to)} onClick={(event) => { event.preventDefault(); app.router.go(to); }}>
        <span class="requests-icon"><Icon of={Users} /></span>
        <span class="requests-text">{t().family.waiting(count())}</span>
        <span class="badge" aria-hidden="true">{formats().number(count())}</span>
        <Icon of={ChevronRight} mirror />
      </a>
    </Show>
  );
}
