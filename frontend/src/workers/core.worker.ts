/** Entry of the worker, shared or not. */
import { Kith } from '../core/kith';
import { CHANNEL } from '../core/rpc';
import { Service } from '../core/service';
import { Host, type Channel, type Port } from './host';
import { browserPlatform } from './platform';

interface SharedScope {
  onconnect: ((event: { readonly ports: readonly Port[] }) => void) | null;
}

const host = new Host({
  locks: navigator.locks,
  channel: new BroadcastChannel(CHANNEL) as unknown as Channel,
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  start(lost) {
    const kith = new Kith(browserPlatform());
    kith.onLost = lost;
    const service = new Service(kith);
    return {
      handle: (page, message, reply) => service.handle(page, message, reply),
      close: (page) => service.close(page),
      stop: () => kith.stop(),
    };
  },
});

if ('onconnect' in self) {
  (self as unknown as SharedScope).onconnect = ({ ports }) => {
    const [port] = ports;
    if (port) host.connect(port);
  };
} else {
  host.connect(self as unknown as Port);
}
