import type { Reason } from '../core/api';
import { plurals } from './plural';

const n = plurals('en');

/**
 * Every text of the app. English is the source: its shape is the type of every other language, so a missing or
 * surplus text does not compile. Words are short and friendly, and the same thing always has the same word:
 * address, group, device, code, invitation. Nothing from the protocol outside of `advanced`.
 */
export const en = {
  app: 'Kith',

  common: {
    back: 'Back',
    cancel: 'Cancel',
    close: 'Close',
    save: 'Save',
    copy: 'Copy',
    copied: 'Copied',
    share: 'Share',
    retry: 'Try again',
    loading: 'Loading…',
    you: 'You',
    reload: 'Reload',
  },

  /** What happened, what it means, what to do. */
  reason: (reason: Reason): string => {
    switch (reason.code) {
      case 'network': return 'No connection to the server. Check your internet connection and try again.';
      case 'server': return 'The server could not do this right now. Try again in a moment.';
      case 'credentials': return 'That name and password do not fit together. Check both and try again.';
      case 'throttled': {
        const minutes = Math.ceil((reason.seconds ?? 60) / 60);
        return (reason.seconds ?? 60) < 60
          ? n(reason.seconds ?? 60, { one: 'Too many attempts. Wait 1 second, then try again.', other: `Too many attempts. Wait ${reason.seconds ?? 60} seconds, then try again.` })
          : n(minutes, { one: 'Too many attempts. Wait a minute, then try again.', other: `Too many attempts. Wait ${minutes} minutes, then try again.` });
      }
      case 'policy': return 'This is not allowed on this server. The person who runs it can tell you why.';
      case 'not-found': return 'Nothing was found there. Check the spelling.';
      case 'conflict': return 'This name is already taken. Choose another one.';
      case 'invite-invalid': return 'This invitation no longer works. Ask for a new one.';
      case 'name-invalid': return 'This name cannot be used. Leave out spaces and special characters.';
      case 'password-weak': return 'This password is too easy to guess. Choose a longer one.';
      case 'too-large': return 'This is too long to send. Split it into smaller parts.';
      case 'cannot-encrypt': return 'This message cannot be protected: none of the other person’s devices is ready for it.';
      case 'untrusted': return 'There is a new device in this chat. Decide whether to trust it, then send again.';
      case 'blocked': return 'You have blocked this person. Unblock them to write.';
      case 'storage': return 'Your browser could not store data. Free some space or leave private mode, then reload.';
      case 'unsupported': return 'This browser cannot do that. Update it or use another one.';
      case 'internal': return 'Something went wrong in the app. Reload the page; your messages are safe.';
    }
  },

  done: {
    'copied': 'Copied',
    'saved': 'Saved',
    'password-changed': 'Your password is changed',
    'request-sent': 'Request sent',
    'contact-added': 'Added to your contacts',
    'contact-removed': 'Removed from your contacts',
    'blocked': 'Blocked. You will hear nothing more from them.',
    'unblocked': 'Unblocked',
    'declined': 'Request declined',
    'device-signed-out': 'Device signed out',
  },

  entry: {
    tagline: 'Private messages, on a server of your own.',
    language: 'Language',
  },

  signIn: {
    title: 'Sign in',
    address: 'Name',
    password: 'Password',
    submit: 'Sign in',
    busy: 'Signing in…',
    addressMissing: 'Enter your name.',
    addressWrong: 'This is not a name or an address. It looks like “anna” or “anna@example.org”.',
    passwordMissing: 'Enter your password.',
    noAccount: 'No account yet? You need an invitation link from somebody who is here already.',
    lockedTitle: 'Sign in again',
    lockedText: 'This browser was signed out, or your password was changed. Your messages are still here.',
    replacedText: 'You are signed in somewhere else with this device’s name. Sign in again to continue here.',
    lockedForget: 'Use another account',
  },

  password: {
    show: 'Show password',
    hide: 'Hide password',
    strength: { 'too-short': 'Too short', 'weak': 'Easy to guess', 'fair': 'Okay', 'good': 'Strong' },
    atLeast: (count: number) => n(count, { one: 'At least 1 character.', other: `At least ${count} characters.` }),
    hintWeak: 'Add a few more words or letters.',
    suggest: 'Suggest one',
    suggested: 'Keep this password somewhere safe before you go on.',
  },

  invite: {
    welcome: (domain: string) => `Welcome to ${domain}`,
    by: (name: string) => `${name} invites you to chat`,
    byText: (name: string, domain: string) => `Create your account on ${domain}. You and ${name} will be connected right away.`,
    plain: (domain: string) => `You are invited to ${domain}`,
    plainText: 'Create your account. It takes a minute and needs no phone number.',
    firstAccount: 'Your server is ready',
    firstAccountText: (domain: string) => `This is the first account on ${domain}. It may invite others and look after the server.`,
    displayName: 'Your name',
    displayNameHint: 'What others see.',
    userName: 'User name',
    userNameHint: 'For signing in. It cannot be changed later.',
    password: 'Password',
    submit: 'Create account',
    busy: 'Creating your account…',
    displayNameMissing: 'Enter your name.',
    userNameMissing: 'Choose a user name.',
    userNameWrong: 'Leave out spaces and the characters @ / : " & \' < >',
    userNameTaken: 'This user name is already taken. Choose another one.',
    passwordMissing: 'Choose a password.',
    nativeTitle: 'I already use another app',
    nativeText: 'Conversations, Dino, Monal and other XMPP apps can open this invitation.',
    nativeOpen: 'Open in app',
    nativeScan: 'Or scan this code with the app on your phone.',
    signInInstead: 'I already have an account',
    checking: 'Opening your invitation…',
    invalidTitle: 'This invitation no longer works',
    invalidText: 'It was used already, or its time is over. Ask the person who sent it for a new one.',
    offlineTitle: 'The invitation could not be opened',
    goSignIn: 'Go to sign in',
    contactTitle: (name: string) => `Add ${name} as a contact?`,
    contactText: (address: string) => `You are signed in as ${address}.`,
    contactAdd: (name: string) => `Add ${name}`,
    contactSkip: 'Not now',
    contactNone: 'You are signed in already. This invitation is for somebody who has no account yet.',
    own: 'This is your own invitation. Send the link to the person you want to invite.',
    toChats: 'Go to your chats',
  },

  unsupported: {
    title: 'This browser is too old for Kith',
    text: 'Kith protects your messages in the browser itself, and this one cannot do that. Please update it, or use a current Firefox, Chrome, Edge or Safari.',
    insecureTitle: 'This page is not secure',
    insecureText: 'Kith only works over a protected connection. Open the address with https:// in front.',
  },

  list: {
    title: 'Chats',
    label: 'Chats',
    search: 'Search',
    newChat: 'New chat',
    settings: 'Settings',
    requests: (count: number) => n(count, { one: '1 contact request', other: `${count} contact requests` }),
    people: 'Write to',
    emptyTitle: 'Nobody is here yet',
    emptyText: 'Invite somebody, and you can write to each other in a minute.',
    emptyAction: 'Invite somebody',
    pickTitle: 'Choose a chat, or start a new one',
    unread: (count: number) => n(count, { one: '1 unread message', other: `${count} unread messages` }),
    draft: 'Draft:',
    typing: 'typing…',
    pending: 'Request sent',
    nothingYet: 'No messages yet',
    unreadable: 'A message that cannot be read here',
    skip: 'Skip to the chat',
  },

  presence: { online: 'Online', away: 'Away', busy: 'Do not disturb', offline: 'Not online' },

  connection: {
    connecting: 'Connecting…',
    catchingUp: 'Getting new messages…',
    offline: 'Offline',
    offlineRetry: (seconds: number) => `Offline, trying again in ${seconds} s`,
    retrying: 'Trying again…',
    now: 'Try now',
  },

  newChat: {
    title: 'New chat',
    search: 'Name or address',
    contacts: 'Your contacts',
    none: 'No contact found.',
    empty: 'Your contacts will be here.',
    addAddress: (address: string) => `Add ${address}`,
    addHint: 'Sends a contact request',
    invite: 'Invite somebody',
    inviteHint: 'With a link or a code to scan',
    self: 'This is your own address.',
    addressWrong: 'This is not an address. It looks like “anna@example.org”.',
  },

  inviteSomebody: {
    title: 'Invite somebody',
    text: 'Send the link, or let them scan the code. It makes an account, and you are connected right away.',
    making: 'Making the invitation…',
    link: 'Invitation link',
    code: 'Code with the invitation link',
    expires: (when: string) => `Works once, until ${when}.`,
    shareText: 'Let’s chat on Kith:',
    another: 'Make another one',
  },

  requests: {
    title: 'Contact requests',
    hint: 'They see nothing of you until you accept.',
    accept: 'Accept',
    decline: 'Decline',
    block: 'Block',
    none: 'No requests are waiting.',
    toChats: 'Back to your chats',
  },

  chat: {
    messages: (name: string) => `Messages with ${name}`,
    details: 'Contact details',
    with: (name: string) => `Chat with ${name}`,
    start: (name: string) => `This is the beginning of your chat with ${name}.`,
    startLock: 'Messages are end-to-end encrypted: only the two of you can read them.',
    unreadFrom: (count: number) => n(count, { one: '1 new', other: `${count} new` }),
    toNewest: (count: number) => count > 0
      ? n(count, { one: 'Jump to newest, 1 new message', other: `Jump to newest, ${count} new messages` })
      : 'Jump to newest',
    loadingOlder: 'Loading older messages',
    compose: (name: string) => `Message to ${name}`,
    placeholder: 'Message',
    placeholderOpen: 'Message, not encrypted',
    send: 'Send',
    unreadable: (count: number) => n(count, { one: '1 message cannot be read on this device', other: `${count} messages cannot be read on this device` }),
    unreadableEarly: (count: number) => n(count, { one: '1 message from before this device was added', other: `${count} messages from before this device was added` }),
    unreadableWhy: {
      'not-for-this-device': 'These messages were encrypted for the devices you had at that time. This browser was added later, so it has no key for them. On your other devices you can still read them.',
      'undecryptable': 'These messages could not be decrypted. Usually the two devices lost track of each other; new messages will work. Ask the other person to send it again.',
      'unsupported': 'These messages use a kind of encryption that Kith does not know.',
    },
    time: (time: string) => `at ${time}`,
    state: {
      sending: 'Waiting to be sent',
      sent: 'Sent',
      delivered: 'Delivered',
      read: 'Read',
      failed: 'Not sent',
      received: 'Received',
    },
    notLocked: 'Not encrypted',
    notLockedLong: 'This message was sent without encryption.',
    failedRetry: 'Try again',
    failedDelete: 'Delete',
    failedOpen: 'Send unencrypted',
    actions: 'Message actions',
    copyText: 'Copy text',
    info: 'Message info',
    blockedBar: (name: string) => `You have blocked ${name}.`,
    unblock: 'Unblock',
    strangerBar: (name: string) => `${name} is not in your contacts.`,
    requestBar: (name: string) => `${name} would like to be your contact.`,
    add: 'Add',
    cryptoBroken: 'This browser cannot encrypt messages at the moment, so nothing can be sent. Reload the page to try again.',
    newDeviceBar: (name: string) => `${name} has a new device. Check it before you write.`,
    check: 'Check',
    arrived: (name: string, text: string) => `${name}: ${text}`,
  },

  lock: {
    verified: 'Encrypted and verified',
    encrypted: 'Encrypted',
    unencrypted: 'Not encrypted',
    unknown: 'Checking encryption…',
    title: (name: string) => `Encryption with ${name}`,
    text: {
      verified: (name: string) => `Only you and ${name} can read what you write. You made sure that these are really ${name}’s devices.`,
      encrypted: (name: string) => `Only you and ${name} can read what you write. Not even the people who run the servers can.`,
      unencrypted: (name: string) => `${name}’s app cannot encrypt messages. The people who run the servers could read what you write.`,
      unknown: (name: string) => `Looking at ${name}’s devices…`,
    },
    verifyHint: (name: string) => `To be sure that nobody sits in between, compare codes with ${name} once.`,
    verify: 'Compare codes',
    devicesOf: (name: string) => `${name}’s devices`,
    ownDevices: 'Your devices',
    noDevices: 'No device that can encrypt was found.',
    device: (id: string) => `Device ${id}`,
    thisDevice: 'This device',
    lastSeen: (when: string) => `Last seen ${when}`,
    stale: 'No longer used',
    trust: {
      undecided: 'New, please decide',
      trusted: 'Trusted',
      verified: 'Verified',
      distrusted: 'Not trusted',
    },
    trustLabel: (device: string) => `Trust for ${device}`,
    showFingerprint: 'Show code',
    hideFingerprint: 'Hide code',
    fingerprint: 'Code of this device',
    fingerprintHint: 'Compare it with the code shown on the other device, best in person or by phone.',
    matches: 'The codes match',
    trustIt: 'Trust',
    distrust: 'Do not trust',
    distrustHint: 'Devices you do not trust cannot read your messages.',
    confirmTitle: 'Send without encryption?',
    confirmText: (name: string) => `${name}’s app cannot read encrypted messages. Sent this way, the people who run the servers could read it.`,
    confirmBefore: (name: string) => `Messages to ${name} were encrypted until now. If you send this one, the people who run the servers could read it.`,
    confirmSend: 'Send unencrypted',
  },

  verify: {
    title: (name: string) => `Compare codes with ${name}`,
    intro: (name: string) => `Do this when you are together with ${name}, or on a call where you know the voice.`,
    show: 'My code',
    scan: 'Their code',
    showText: 'Let the other person scan this with their app.',
    ownCode: 'Code with the keys of your devices',
    scanText: 'Point the camera at the code in the other app.',
    camera: 'Start the camera',
    cameraStop: 'Stop the camera',
    cameraView: 'Picture of the camera',
    cameraDenied: 'The camera may not be used. Allow it in the browser’s address bar, or paste the code as text.',
    cameraNone: 'This browser cannot read codes with the camera. Paste the code as text, or compare by eye.',
    paste: 'Code as text',
    pasteHint: 'In the other app, share the code or address as text and paste it here.',
    pasteSubmit: 'Check the code',
    ok: (count: number) => n(count, { one: 'It fits. 1 device is verified.', other: `It fits. ${count} devices are verified.` }),
    okNone: 'It fits. All of these devices were verified already.',
    other: (address: string) => `This code belongs to ${address}, not to this chat.`,
    mismatch: 'This code does not fit. Do not send anything private, and compare again in person.',
    notCode: 'This is not a code from a chat app. Copy it there as a whole.',
    byEye: 'Or compare by eye',
    byEyeText: 'Show the codes on the other device too, and compare the groups of letters and numbers.',
  },

  messageInfo: {
    title: 'Message info',
    sent: 'Sent',
    state: 'State',
    lock: 'Encryption',
    device: 'Sent from',
    lockText: {
      verified: 'Encrypted, verified device',
      encrypted: 'Encrypted',
      unencrypted: 'Not encrypted',
    },
    why: 'Why it was not sent',
  },

  details: {
    title: 'Details',
    address: 'Address',
    rename: 'Name shown to you',
    lock: 'Encryption',
    copyAddress: 'Copy address',
    remove: 'Remove contact',
    removeTitle: (name: string) => `Remove ${name}?`,
    removeText: 'You will no longer see each other online. The messages stay here.',
    block: 'Block',
    blockTitle: (name: string) => `Block ${name}?`,
    blockText: 'You will get no messages or requests from them. They are not told.',
    unblock: 'Unblock',
    add: 'Add to contacts',
    pending: 'Your request is waiting for an answer.',
  },

  switcher: {
    title: 'Go to a chat',
    placeholder: 'Name or address',
    none: 'Nothing found.',
    results: (count: number) => n(count, { one: '1 result', other: `${count} results` }),
  },

  shortcuts: {
    title: 'Keyboard shortcuts',
    switcher: 'Go to a chat',
    newChat: 'New chat',
    next: 'Next chat',
    previous: 'Previous chat',
    settings: 'Settings',
    help: 'This help',
    escape: 'Close, or back to the list',
    send: 'Send the message',
    newline: 'New line',
    lastMessage: 'To the messages, from an empty field',
    inList: 'Up and down in lists and messages',
    actions: 'Actions of the chosen message',
    keys: { ctrl: 'Ctrl', cmd: '⌘', shift: 'Shift', alt: 'Alt', enter: 'Enter', esc: 'Esc' },
  },

  settings: {
    title: 'Settings',
    sections: {
      profile: 'Profile',
      devices: 'Devices',
      appearance: 'Appearance',
      language: 'Language',
      notifications: 'Notifications',
      blocked: 'Blocked people',
      password: 'Password',
      about: 'About and advanced',
    },
    signOut: 'Sign out',
    profile: {
      name: 'Your name',
      nameHint: 'What your contacts see.',
      address: 'Your address',
      addressHint: 'Give it to people who want to write to you.',
      nameMissing: 'Enter your name.',
    },
    devices: {
      title: 'Where you are signed in',
      text: 'Sign out what you no longer use or do not know.',
      current: 'This browser',
      online: 'Online now',
      lastUsed: (when: string) => `Last used ${when}`,
      signOut: 'Sign out',
      signOutTitle: (name: string) => `Sign out “${name}”?`,
      signOutText: 'It needs your password to sign in again.',
      keysTitle: 'Codes of your devices',
      keysText: 'Each of your devices has its own key. Others compare these codes to be sure it is you.',
      showCode: 'Show my code',
    },
    appearance: {
      theme: 'Colours',
      system: 'Like the device',
      light: 'Light',
      dark: 'Dark',
    },
    language: {
      title: 'Language',
      system: 'Like the browser',
    },
    notifications: {
      enable: 'Notify me of new messages',
      enableHint: 'While Kith is open in this browser.',
      text: 'Show who wrote and what',
      textHint: 'Otherwise it only says that there is a new message.',
      denied: 'Your browser does not allow notifications for this page. You can change that in the address bar.',
      unsupported: 'This browser has no notifications.',
    },
    blocked: {
      none: 'You have blocked nobody.',
      text: 'You hear nothing from these people.',
      unblock: 'Unblock',
    },
    password: {
      current: 'Current password',
      next: 'New password',
      submit: 'Change password',
      busy: 'Changing…',
      currentMissing: 'Enter your current password.',
      nextMissing: 'Choose a new password.',
      currentWrong: 'This is not your current password.',
      text: 'Your other devices stay signed in.',
    },
    about: {
      text: 'Kith is free software under the AGPL. Messages are encrypted on your device, and nobody else is asked or told.',
      advanced: 'Advanced',
      jid: 'Address (JID)',
      server: 'Server',
      deviceId: 'Device number (OMEMO)',
      fingerprint: 'Fingerprint of this browser (OMEMO)',
      noFingerprint: 'The keys of this browser are not ready.',
      admin: 'You look after this server.',
      problem: 'Last problem',
    },
    signOutTitle: 'Sign out of this browser?',
    signOutText: 'Your messages and keys are deleted from this browser. Messages that other devices of yours hold stay there, but this browser cannot get its history back.',
    signOutConfirm: 'Sign out and delete',
    signOutBusy: 'Signing out…',
  },

  notification: {
    hidden: 'New message',
    title: (unread: number) => (unread > 0 ? `(${unread}) Kith` : 'Kith'),
  },

  time: {
    today: 'Today',
    yesterday: 'Yesterday',
    justNow: 'just now',
  },
};

type Widen<T> = T extends (...given: infer A) => string ? (...given: A) => string
  : T extends string ? string
  : { readonly [K in keyof T]: Widen<T[K]> };

/** The shape that every language fills completely. */
export type Catalogue = Widen<typeof en>;
