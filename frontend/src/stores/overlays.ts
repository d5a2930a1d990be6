import type { Address, Message, SharedLocation, Sticker } from '../core/api';
import { Cell } from './cell';

/** The dialog that lies above the app; at most one. */
export type Overlay =
  | { readonly name: 'new-chat' }
  | { readonly name: 'new-group'; readonly public?: boolean }
  | { readonly name: 'add-members'; readonly address: Address }
  | { readonly name: 'group-link'; readonly address: Address }
  | { readonly name: 'leave-group'; readonly address: Address }
  | { readonly name: 'invite' }
  | { readonly name: 'switcher' }
  | { readonly name: 'shortcuts' }
  | { readonly name: 'sign-out' }
  | { readonly name: 'delete-account' }
  | { readonly name: 'lock'; readonly address: Address }
  | { readonly name: 'verify'; readonly address: Address }
  | { readonly name: 'message-info'; readonly message: Message }
  | { readonly name: 'picture'; readonly message: Message }
  | { readonly name: 'timer'; readonly address: Address }
  | { readonly name: 'pins'; readonly address: Address }
  | { readonly name: 'poll'; readonly address: Address }
  | { readonly name: 'location'; readonly address: Address }
  | { readonly name: 'place'; readonly location: SharedLocation }
  | { readonly name: 'report'; readonly address: Address }
  | { readonly name: 'mute'; readonly address: Address }
  | { readonly name: 'sticker-make'; readonly picture: Blob }
  | { readonly name: 'sticker-pack'; readonly message: Message }
  | { readonly name: 'sticker-remove'; readonly sticker: Sticker }
  | { readonly name: 'forward'; readonly message: Message };

export class OverlayStore extends Cell<Overlay | undefined> {
  constructor() {
    super(undefined);
  }

  open(overlay: Overlay): void {
    this.set(overlay);
  }

  close(): void {
    this.set(undefined);
  }
}
