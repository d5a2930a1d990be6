import type { JSX } from 'solid-js';

/** The mark of Kith: two people who talk. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 48 48" aria-hidden="true">
      <path class="mark-back" d="M24 4.5h12a10 10 0 0 1 10 10v6.5a10 10 0 0 1-5 8.66V35a1 1 0 0 1-1.6.8L33.5 31H24a10 10 0 0 1-10-10v-6.5a10 10 0 0 1 10-10z" />
      <path class="mark-front" d="M12 12.5h14a10 10 0 0 1 10 10v5a10 10 0 0 1-10 10h-9.5l-7.2 5.6a1 1 0 0 1-1.6-.8v-5.84A10 10 0 0 1 2 27.5v-5a10 10 0 0 1 10-10z" />
      <path class="mark-dots" d="M12.5 25h.01M19 25h.01M25.5 25h.01" />
    </svg>
  );
}
