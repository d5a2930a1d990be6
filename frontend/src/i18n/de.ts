import type { Catalogue } from './en';
import { plurals } from './plural';

const n = plurals('de');

export const de: Catalogue = {
  app: 'Kith',

  common: {
    back: 'Zurück',
    cancel: 'Abbrechen',
    close: 'Schließen',
    save: 'Speichern',
    copy: 'Kopieren',
    copied: 'Kopiert',
    share: 'Teilen',
    retry: 'Nochmal versuchen',
    loading: 'Lädt…',
    you: 'Du',
    reload: 'Neu laden',
  },

  reason: (reason) => {
    switch (reason.code) {
      case 'network': return 'Keine Verbindung zum Server. Prüfe dein Internet und versuche es nochmal.';
      case 'server': return 'Der Server konnte das gerade nicht tun. Versuche es gleich nochmal.';
      case 'credentials': return 'Name und Passwort passen nicht zusammen. Prüfe beides und versuche es nochmal.';
      case 'throttled': {
        const seconds = reason.seconds ?? 60;
        const minutes = Math.ceil(seconds / 60);
        return seconds < 60
          ? n(seconds, { one: 'Zu viele Versuche. Warte 1 Sekunde und versuche es dann nochmal.', other: `Zu viele Versuche. Warte ${seconds} Sekunden und versuche es dann nochmal.` })
          : n(minutes, { one: 'Zu viele Versuche. Warte eine Minute und versuche es dann nochmal.', other: `Zu viele Versuche. Warte ${minutes} Minuten und versuche es dann nochmal.` });
      }
      case 'policy': return 'Das ist auf diesem Server nicht erlaubt. Wer ihn betreibt, kann dir sagen, warum.';
      case 'not-found': return 'Dort wurde nichts gefunden. Prüfe die Schreibweise.';
      case 'conflict': return 'Dieser Name ist schon vergeben. Wähle einen anderen.';
      case 'invite-invalid': return 'Diese Einladung gilt nicht mehr. Bitte um eine neue.';
      case 'name-invalid': return 'Dieser Name geht nicht. Lass Leerzeichen und Sonderzeichen weg.';
      case 'password-weak': return 'Dieses Passwort ist zu leicht zu erraten. Wähle ein längeres.';
      case 'too-large': return 'Das ist zu lang zum Senden. Teile es auf.';
      case 'cannot-encrypt': return 'Diese Nachricht lässt sich nicht schützen: Kein Gerät der anderen Person ist dafür bereit.';
      case 'untrusted': return 'In diesem Chat gibt es ein neues Gerät. Entscheide, ob du ihm vertraust, und sende dann nochmal.';
      case 'blocked': return 'Du hast diese Person blockiert. Hebe das auf, um zu schreiben.';
      case 'storage': return 'Dein Browser konnte nichts speichern. Schaffe Platz oder verlasse den privaten Modus und lade dann neu.';
      case 'unsupported': return 'Dieser Browser kann das nicht. Aktualisiere ihn oder nimm einen anderen.';
      case 'internal': return 'In der App ist etwas schiefgegangen. Lade die Seite neu; deine Nachrichten sind sicher.';
    }
  },

  done: {
    'copied': 'Kopiert',
    'saved': 'Gespeichert',
    'password-changed': 'Dein Passwort ist geändert',
    'request-sent': 'Anfrage gesendet',
    'contact-added': 'Zu deinen Kontakten hinzugefügt',
    'contact-removed': 'Aus deinen Kontakten entfernt',
    'blocked': 'Blockiert. Du hörst nichts mehr von dieser Person.',
    'unblocked': 'Nicht mehr blockiert',
    'declined': 'Anfrage abgelehnt',
    'device-signed-out': 'Gerät abgemeldet',
  },

  entry: {
    tagline: 'Private Nachrichten, auf einem eigenen Server.',
    language: 'Sprache',
  },

  signIn: {
    title: 'Anmelden',
    address: 'Name',
    password: 'Passwort',
    submit: 'Anmelden',
    busy: 'Meldet an…',
    addressMissing: 'Gib deinen Namen ein.',
    addressWrong: 'Das ist kein Name und keine Adresse. Richtig wäre „anna“ oder „anna@example.org“.',
    passwordMissing: 'Gib dein Passwort ein.',
    noAccount: 'Noch kein Konto? Dann brauchst du einen Einladungslink von jemandem, der schon hier ist.',
    lockedTitle: 'Melde dich neu an',
    lockedText: 'Dieser Browser wurde abgemeldet, oder dein Passwort wurde geändert. Deine Nachrichten sind noch da.',
    replacedText: 'Du bist woanders unter dem Namen dieses Geräts angemeldet. Melde dich neu an, um hier weiterzumachen.',
    lockedForget: 'Anderes Konto verwenden',
  },

  password: {
    show: 'Passwort zeigen',
    hide: 'Passwort verbergen',
    strength: { 'too-short': 'Zu kurz', 'weak': 'Leicht zu erraten', 'fair': 'Ganz gut', 'good': 'Stark' },
    atLeast: (count) => n(count, { one: 'Mindestens 1 Zeichen.', other: `Mindestens ${count} Zeichen.` }),
    hintWeak: 'Nimm noch ein paar Wörter oder Buchstaben dazu.',
    suggest: 'Vorschlag',
    suggested: 'Bewahre dieses Passwort gut auf, bevor du weitermachst.',
  },

  invite: {
    welcome: (domain) => `Willkommen bei ${domain}`,
    by: (name) => `${name} lädt dich zum Chatten ein`,
    byText: (name, domain) => `Erstelle dein Konto bei ${domain}. Du und ${name} seid dann gleich verbunden.`,
    plain: (domain) => `Du bist zu ${domain} eingeladen`,
    plainText: 'Erstelle dein Konto. Das dauert eine Minute und braucht keine Telefonnummer.',
    firstAccount: 'Dein Server ist bereit',
    firstAccountText: (domain) => `Das ist das erste Konto auf ${domain}. Es darf andere einladen und den Server verwalten.`,
    displayName: 'Dein Name',
    displayNameHint: 'Das sehen andere.',
    userName: 'Benutzername',
    userNameHint: 'Zum Anmelden. Er lässt sich später nicht ändern.',
    password: 'Passwort',
    submit: 'Konto erstellen',
    busy: 'Dein Konto wird erstellt…',
    displayNameMissing: 'Gib deinen Namen ein.',
    userNameMissing: 'Wähle einen Benutzernamen.',
    userNameWrong: 'Lass Leerzeichen und die Zeichen @ / : " & \' < > weg.',
    userNameTaken: 'Dieser Benutzername ist schon vergeben. Wähle einen anderen.',
    passwordMissing: 'Wähle ein Passwort.',
    nativeTitle: 'Ich benutze schon eine andere App',
    nativeText: 'Conversations, Dino, Monal und andere XMPP-Apps können diese Einladung öffnen.',
    nativeOpen: 'In der App öffnen',
    nativeScan: 'Oder scanne diesen Code mit der App auf deinem Telefon.',
    signInInstead: 'Ich habe schon ein Konto',
    checking: 'Deine Einladung wird geöffnet…',
    invalidTitle: 'Diese Einladung gilt nicht mehr',
    invalidText: 'Sie wurde schon benutzt, oder ihre Zeit ist um. Bitte die Person, die sie geschickt hat, um eine neue.',
    offlineTitle: 'Die Einladung ließ sich nicht öffnen',
    goSignIn: 'Zur Anmeldung',
    contactTitle: (name) => `${name} als Kontakt hinzufügen?`,
    contactText: (address) => `Du bist als ${address} angemeldet.`,
    contactAdd: (name) => `${name} hinzufügen`,
    contactSkip: 'Jetzt nicht',
    contactNone: 'Du bist schon angemeldet. Diese Einladung ist für jemanden, der noch kein Konto hat.',
    own: 'Das ist deine eigene Einladung. Schicke den Link der Person, die du einladen willst.',
    toChats: 'Zu deinen Chats',
  },

  unsupported: {
    title: 'Dieser Browser ist zu alt für Kith',
    text: 'Kith schützt deine Nachrichten im Browser selbst, und dieser kann das nicht. Bitte aktualisiere ihn oder nimm einen aktuellen Firefox, Chrome, Edge oder Safari.',
    insecureTitle: 'Diese Seite ist nicht sicher',
    insecureText: 'Kith funktioniert nur über eine geschützte Verbindung. Öffne die Adresse mit https:// davor.',
  },

  list: {
    title: 'Chats',
    label: 'Chats',
    search: 'Suchen',
    newChat: 'Neuer Chat',
    settings: 'Einstellungen',
    requests: (count) => n(count, { one: '1 Kontaktanfrage', other: `${count} Kontaktanfragen` }),
    people: 'Schreib an',
    emptyTitle: 'Noch ist niemand hier',
    emptyText: 'Lade jemanden ein, und ihr könnt euch in einer Minute schreiben.',
    emptyAction: 'Jemanden einladen',
    pickTitle: 'Wähle einen Chat oder beginne einen neuen',
    unread: (count) => n(count, { one: '1 ungelesene Nachricht', other: `${count} ungelesene Nachrichten` }),
    draft: 'Entwurf:',
    typing: 'schreibt…',
    pending: 'Anfrage gesendet',
    nothingYet: 'Noch keine Nachrichten',
    unreadable: 'Eine Nachricht, die hier nicht lesbar ist',
    skip: 'Zum Chat springen',
  },

  presence: { online: 'Online', away: 'Abwesend', busy: 'Bitte nicht stören', offline: 'Nicht online' },

  connection: {
    connecting: 'Verbindet…',
    catchingUp: 'Neue Nachrichten werden geholt…',
    offline: 'Offline',
    offlineRetry: (seconds) => `Offline, neuer Versuch in ${seconds} s`,
    retrying: 'Neuer Versuch…',
    now: 'Verbinden',
  },

  newChat: {
    title: 'Neuer Chat',
    search: 'Name oder Adresse',
    contacts: 'Deine Kontakte',
    none: 'Kein Kontakt gefunden.',
    empty: 'Hier werden deine Kontakte stehen.',
    addAddress: (address) => `${address} hinzufügen`,
    addHint: 'Sendet eine Kontaktanfrage',
    invite: 'Jemanden einladen',
    inviteHint: 'Mit einem Link oder einem Code zum Scannen',
    self: 'Das ist deine eigene Adresse.',
    addressWrong: 'Das ist keine Adresse. Richtig wäre „anna@example.org“.',
  },

  inviteSomebody: {
    title: 'Jemanden einladen',
    text: 'Schicke den Link, oder lass den Code scannen. Damit entsteht ein Konto, und ihr seid gleich verbunden.',
    making: 'Die Einladung wird erstellt…',
    link: 'Einladungslink',
    code: 'Code mit dem Einladungslink',
    expires: (when) => `Gilt einmal, bis ${when}.`,
    shareText: 'Lass uns auf Kith chatten:',
    another: 'Noch eine erstellen',
  },

  requests: {
    title: 'Kontaktanfragen',
    hint: 'Bis du annimmst, ist von dir nichts zu sehen.',
    accept: 'Annehmen',
    decline: 'Ablehnen',
    block: 'Blockieren',
    none: 'Es warten keine Anfragen.',
    toChats: 'Zurück zu deinen Chats',
  },

  chat: {
    messages: (name) => `Nachrichten mit ${name}`,
    details: 'Angaben zum Kontakt',
    with: (name) => `Chat mit ${name}`,
    start: (name) => `Hier beginnt dein Chat mit ${name}.`,
    startLock: 'Nachrichten sind Ende-zu-Ende-verschlüsselt: Nur ihr beide könnt sie lesen.',
    unreadFrom: (count) => n(count, { one: '1 neu', other: `${count} neu` }),
    toNewest: (count) => count > 0
      ? n(count, { one: 'Zur neuesten, 1 neue Nachricht', other: `Zur neuesten, ${count} neue Nachrichten` })
      : 'Zur neuesten Nachricht',
    loadingOlder: 'Ältere Nachrichten werden geladen',
    compose: (name) => `Nachricht an ${name}`,
    placeholder: 'Nachricht',
    placeholderOpen: 'Nachricht, unverschlüsselt',
    send: 'Senden',
    unreadable: (count) => n(count, { one: '1 Nachricht ist auf diesem Gerät nicht lesbar', other: `${count} Nachrichten sind auf diesem Gerät nicht lesbar` }),
    unreadableEarly: (count) => n(count, { one: '1 Nachricht aus der Zeit vor diesem Gerät', other: `${count} Nachrichten aus der Zeit vor diesem Gerät` }),
    unreadableWhy: {
      'not-for-this-device': 'Diese Nachrichten wurden für die Geräte verschlüsselt, die du damals hattest. Dieser Browser kam später dazu und hat keinen Schlüssel dafür. Auf deinen anderen Geräten kannst du sie weiter lesen.',
      'undecryptable': 'Diese Nachrichten ließen sich nicht entschlüsseln. Meist haben sich zwei Geräte aus den Augen verloren; neue Nachrichten klappen wieder. Bitte die andere Person, es nochmal zu senden.',
      'unsupported': 'Diese Nachrichten haben eine Art Verschlüsselung, die Kith nicht kennt.',
    },
    time: (time) => `um ${time}`,
    state: {
      sending: 'Wartet auf das Senden',
      sent: 'Gesendet',
      delivered: 'Zugestellt',
      read: 'Gelesen',
      failed: 'Nicht gesendet',
      received: 'Empfangen',
    },
    notLocked: 'Unverschlüsselt',
    notLockedLong: 'Diese Nachricht wurde ohne Verschlüsselung gesendet.',
    failedRetry: 'Nochmal versuchen',
    failedDelete: 'Löschen',
    failedOpen: 'Unverschlüsselt senden',
    actions: 'Aktionen zur Nachricht',
    copyText: 'Text kopieren',
    info: 'Angaben zur Nachricht',
    blockedBar: (name) => `Du hast ${name} blockiert.`,
    unblock: 'Aufheben',
    strangerBar: (name) => `${name} gehört nicht zu deinen Kontakten.`,
    requestBar: (name) => `${name} möchte dein Kontakt sein.`,
    add: 'Hinzufügen',
    cryptoBroken: 'Dieser Browser kann Nachrichten gerade nicht verschlüsseln, darum lässt sich nichts senden. Lade die Seite neu.',
    newDeviceBar: (name) => `${name} hat ein neues Gerät. Prüfe es, bevor du schreibst.`,
    check: 'Prüfen',
    arrived: (name, text) => `${name}: ${text}`,
  },

  lock: {
    verified: 'Verschlüsselt und geprüft',
    encrypted: 'Verschlüsselt',
    unencrypted: 'Nicht verschlüsselt',
    unknown: 'Verschlüsselung wird geprüft…',
    title: (name) => `Verschlüsselung mit ${name}`,
    text: {
      verified: (name) => `Nur du und ${name} könnt lesen, was ihr schreibt. Du hast geprüft, dass es wirklich die Geräte von ${name} sind.`,
      encrypted: (name) => `Nur du und ${name} könnt lesen, was ihr schreibt. Nicht einmal die Betreiber der Server können es.`,
      unencrypted: (name) => `Die App von ${name} kann Nachrichten nicht verschlüsseln. Die Betreiber der Server könnten mitlesen.`,
      unknown: (name) => `Die Geräte von ${name} werden angesehen…`,
    },
    verifyHint: (name) => `Vergleiche einmal die Codes mit ${name}, um sicher zu sein, dass niemand dazwischensitzt.`,
    verify: 'Codes vergleichen',
    devicesOf: (name) => `Geräte von ${name}`,
    ownDevices: 'Deine Geräte',
    noDevices: 'Es wurde kein Gerät gefunden, das verschlüsseln kann.',
    device: (id) => `Gerät ${id}`,
    thisDevice: 'Dieses Gerät',
    lastSeen: (when) => `Zuletzt gesehen ${when}`,
    stale: 'Nicht mehr benutzt',
    trust: {
      undecided: 'Neu, bitte entscheide',
      trusted: 'Vertraut',
      verified: 'Geprüft',
      distrusted: 'Nicht vertraut',
    },
    trustLabel: (device) => `Vertrauen für ${device}`,
    showFingerprint: 'Code zeigen',
    hideFingerprint: 'Code verbergen',
    fingerprint: 'Code dieses Geräts',
    fingerprintHint: 'Vergleiche ihn mit dem Code auf dem anderen Gerät, am besten persönlich oder am Telefon.',
    matches: 'Die Codes sind gleich',
    trustIt: 'Vertrauen',
    distrust: 'Nicht vertrauen',
    distrustHint: 'Geräte, denen du nicht vertraust, können deine Nachrichten nicht lesen.',
    confirmTitle: 'Ohne Verschlüsselung senden?',
    confirmText: (name) => `Die App von ${name} kann verschlüsselte Nachrichten nicht lesen. So gesendet, könnten die Betreiber der Server mitlesen.`,
    confirmBefore: (name) => `Nachrichten an ${name} waren bisher verschlüsselt. Wenn du diese so sendest, könnten die Betreiber der Server mitlesen.`,
    confirmSend: 'Unverschlüsselt senden',
  },

  verify: {
    title: (name) => `Codes mit ${name} vergleichen`,
    intro: (name) => `Macht das, wenn du mit ${name} zusammen bist oder ihr telefoniert und du die Stimme kennst.`,
    show: 'Mein Code',
    scan: 'Anderer Code',
    showText: 'Lass die andere Person das mit ihrer App scannen.',
    ownCode: 'Code mit den Schlüsseln deiner Geräte',
    scanText: 'Halte die Kamera auf den Code in der anderen App.',
    camera: 'Kamera starten',
    cameraStop: 'Kamera anhalten',
    cameraView: 'Bild der Kamera',
    cameraDenied: 'Die Kamera darf nicht benutzt werden. Erlaube sie in der Adresszeile des Browsers, oder füge den Code als Text ein.',
    cameraNone: 'Dieser Browser kann Codes nicht mit der Kamera lesen. Füge den Code als Text ein, oder vergleicht mit den Augen.',
    paste: 'Code als Text',
    pasteHint: 'Teile in der anderen App den Code oder die Adresse als Text und füge ihn hier ein.',
    pasteSubmit: 'Code prüfen',
    ok: (count) => n(count, { one: 'Es stimmt. 1 Gerät ist geprüft.', other: `Es stimmt. ${count} Geräte sind geprüft.` }),
    okNone: 'Es stimmt. Alle diese Geräte waren schon geprüft.',
    other: (address) => `Dieser Code gehört zu ${address}, nicht zu diesem Chat.`,
    mismatch: 'Dieser Code passt nicht. Sende nichts Privates und vergleicht nochmal persönlich.',
    notCode: 'Das ist kein Code aus einer Chat-App. Kopiere ihn dort als Ganzes.',
    byEye: 'Oder mit den Augen vergleichen',
    byEyeText: 'Zeigt die Codes auch auf dem anderen Gerät und vergleicht die Gruppen aus Buchstaben und Zahlen.',
  },

  messageInfo: {
    title: 'Angaben zur Nachricht',
    sent: 'Gesendet',
    state: 'Zustand',
    lock: 'Verschlüsselung',
    device: 'Gesendet von',
    lockText: {
      verified: 'Verschlüsselt, geprüftes Gerät',
      encrypted: 'Verschlüsselt',
      unencrypted: 'Nicht verschlüsselt',
    },
    why: 'Warum sie nicht gesendet wurde',
  },

  details: {
    title: 'Angaben',
    address: 'Adresse',
    rename: 'Name, den du siehst',
    lock: 'Verschlüsselung',
    copyAddress: 'Adresse kopieren',
    remove: 'Kontakt entfernen',
    removeTitle: (name) => `${name} entfernen?`,
    removeText: 'Ihr seht dann nicht mehr, ob ihr online seid. Die Nachrichten bleiben hier.',
    block: 'Blockieren',
    blockTitle: (name) => `${name} blockieren?`,
    blockText: 'Du bekommst keine Nachrichten und Anfragen mehr. Die Person erfährt davon nichts.',
    unblock: 'Nicht mehr blockieren',
    add: 'Zu den Kontakten',
    pending: 'Deine Anfrage wartet auf eine Antwort.',
  },

  switcher: {
    title: 'Zu einem Chat gehen',
    placeholder: 'Name oder Adresse',
    none: 'Nichts gefunden.',
    results: (count) => n(count, { one: '1 Treffer', other: `${count} Treffer` }),
  },

  shortcuts: {
    title: 'Tastenkürzel',
    switcher: 'Zu einem Chat gehen',
    newChat: 'Neuer Chat',
    next: 'Nächster Chat',
    previous: 'Voriger Chat',
    settings: 'Einstellungen',
    help: 'Diese Hilfe',
    escape: 'Schließen oder zurück zur Liste',
    send: 'Nachricht senden',
    newline: 'Neue Zeile',
    lastMessage: 'Zu den Nachrichten, aus dem leeren Feld',
    inList: 'Auf und ab in Listen und Nachrichten',
    actions: 'Aktionen zur gewählten Nachricht',
    keys: { ctrl: 'Strg', cmd: '⌘', shift: 'Umschalt', alt: 'Alt', enter: 'Eingabe', esc: 'Esc' },
  },

  settings: {
    title: 'Einstellungen',
    sections: {
      profile: 'Profil',
      devices: 'Geräte',
      appearance: 'Aussehen',
      language: 'Sprache',
      notifications: 'Benachrichtigungen',
      blocked: 'Blockierte Personen',
      password: 'Passwort',
      about: 'Über Kith und Erweitertes',
    },
    signOut: 'Abmelden',
    profile: {
      name: 'Dein Name',
      nameHint: 'Das sehen deine Kontakte.',
      address: 'Deine Adresse',
      addressHint: 'Gib sie Menschen, die dir schreiben wollen.',
      nameMissing: 'Gib deinen Namen ein.',
    },
    devices: {
      title: 'Wo du angemeldet bist',
      text: 'Melde ab, was du nicht mehr benutzt oder nicht kennst.',
      current: 'Dieser Browser',
      online: 'Jetzt online',
      lastUsed: (when) => `Zuletzt benutzt ${when}`,
      signOut: 'Abmelden',
      signOutTitle: (name) => `„${name}“ abmelden?`,
      signOutText: 'Dort braucht es dann wieder dein Passwort.',
      keysTitle: 'Codes deiner Geräte',
      keysText: 'Jedes deiner Geräte hat einen eigenen Schlüssel. Andere vergleichen diese Codes, um sicher zu sein, dass du es bist.',
      showCode: 'Meinen Code zeigen',
    },
    appearance: {
      theme: 'Farben',
      system: 'Wie das Gerät',
      light: 'Hell',
      dark: 'Dunkel',
    },
    language: {
      title: 'Sprache',
      system: 'Wie der Browser',
    },
    notifications: {
      enable: 'Neue Nachrichten melden',
      enableHint: 'Solange Kith in diesem Browser offen ist.',
      text: 'Zeigen, wer was geschrieben hat',
      textHint: 'Sonst steht dort nur, dass es eine neue Nachricht gibt.',
      denied: 'Dein Browser erlaubt dieser Seite keine Benachrichtigungen. Das lässt sich in der Adresszeile ändern.',
      unsupported: 'Dieser Browser kennt keine Benachrichtigungen.',
    },
    blocked: {
      none: 'Du hast niemanden blockiert.',
      text: 'Von diesen Menschen hörst du nichts.',
      unblock: 'Nicht mehr blockieren',
    },
    password: {
      current: 'Jetziges Passwort',
      next: 'Neues Passwort',
      submit: 'Passwort ändern',
      busy: 'Wird geändert…',
      currentMissing: 'Gib dein jetziges Passwort ein.',
      nextMissing: 'Wähle ein neues Passwort.',
      currentWrong: 'Das ist nicht dein jetziges Passwort.',
      text: 'Deine anderen Geräte bleiben angemeldet.',
    },
    about: {
      text: 'Kith ist freie Software unter der AGPL. Nachrichten werden auf deinem Gerät verschlüsselt, und sonst wird niemand gefragt oder benachrichtigt.',
      advanced: 'Erweitert',
      jid: 'Adresse (JID)',
      server: 'Server',
      deviceId: 'Gerätenummer (OMEMO)',
      fingerprint: 'Fingerabdruck dieses Browsers (OMEMO)',
      noFingerprint: 'Die Schlüssel dieses Browsers sind nicht bereit.',
      admin: 'Du verwaltest diesen Server.',
      problem: 'Letzte Störung',
    },
    signOutTitle: 'Von diesem Browser abmelden?',
    signOutText: 'Deine Nachrichten und Schlüssel werden aus diesem Browser gelöscht. Was andere Geräte von dir haben, bleibt dort, aber dieser Browser bekommt seinen Verlauf nicht zurück.',
    signOutConfirm: 'Abmelden und löschen',
    signOutBusy: 'Meldet ab…',
  },

  notification: {
    hidden: 'Neue Nachricht',
    title: (unread) => (unread > 0 ? `(${unread}) Kith` : 'Kith'),
  },

  time: {
    today: 'Heute',
    yesterday: 'Gestern',
    justNow: 'gerade eben',
  },
};
