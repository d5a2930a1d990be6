import { type Accessor, createMemo, For, type JSX } from 'solid-js';

type Props<T, K> = {
  readonly each: readonly T[];
  /** What stays the same while everything else of an item changes; unique in the list. */
  readonly by: (item: T) => K;
  readonly children: (item: Accessor<T>) => JSX.Element;
};

/**
 * A list of things that are asked for again as a whole. Each row belongs to a key rather than to an object, so that
 * what somebody opened, typed or focused in it stays when only the facts are new.
 */
export function Keyed<T, K>(props: Props<T, K>): JSX.Element {
  const items = createMemo(() => new Map(props.each.map((item) => [props.by(item), item])));
  return (
    <For each={[...items().keys()]}>
      {(key) => {
        // A row that goes still shows what it last was, until it is gone.
        const item = createMemo<T>((last) => items().get(key) ?? last, items().get(key) as T);
        return props.children(item);
      }}
    </For>
  );
}
