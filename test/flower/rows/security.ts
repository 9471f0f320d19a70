// TLS and node authentication: nodes whose keys the operator registered take part, another is refused.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../helpers.ts';
import { command, root } from '../../runtimes/context.ts';
import { closedForm, follows } from '../closed.ts';
import { joined, processClient } from '../programs.ts';
import { must, type Row } from '../row.ts';
import { flower, Run, scratch, SuperLink } from '../superlink.ts';

async function secured(): Promise<string> {
  const folder = join(scratch, 'tls');
  mkdirSync(folder, { recursive: true });
  command(join(flower(), 'bin', 'python'), [join(root, 'test', 'flower', 'certificates.py'), folder]);
  const tls = { ca: join(folder, 'ca.pem'), cert: join(folder, 'server.pem'), key: join(folder, 'server.key') };
  const link = await SuperLink.start({ tls });
  const trusting = { NODE_EXTRA_CA_CERTS: tls.ca };
  const targets = [
    [1, 1],
    [3, 2],
  ] as const;
  const options = targets.map(([target, weight], i) => ({ url: link.url, target, weight, store: join(folder, `node-${i}`) }));
  const clients = [];
  try {
    // What an unregistered key and an unknown authority are told.
    const stranger = await processClient('Node', { url: link.url, store: join(folder, 'stranger') }, trusting);
    clients.push(stranger);
    await until('the stranger is refused', 60, () => stranger.gone());
    const [refusal] = stranger.lines().filter((line) => line.type === 'failed');
    must(
      /does not take this node's key: .*Flower's code 2004.*publicKeyOf\(store\) with `flwr supernode register`/.test(refusal?.message ?? ''),
      'an unknown key is refused',
      stranger.output(),
    );
    const doubtful = await processClient('Node', { url: link.url, store: join(folder, 'stranger') });
    clients.push(doubtful);
    await until('the certificate is not believed', 60, () => doubtful.lines().some((l) => l.type === 'unreachable' && /certificate/.test(l.why)));
    for (const [i, option] of options.entries()) {
      const asked = await processClient('Node', { ...option, key: true }, trusting);
      await until('the key is said', 60, () => asked.gone());
      const line = asked.lines().find((l) => l.type === 'key');
      must(line?.type === 'key' && /^ecdsa-sha2-nistp384 AAAA/.test(line.key), 'the public key', asked.output());
      writeFileSync(join(folder, `${i}.pub`), `${line.key}\n`);
      await link.flwr('supernode', 'register', join(folder, `${i}.pub`), 'here');
      clients.push(await processClient('Node', option, trusting));
    }
    for (const client of clients.slice(2)) await joined(client);
    const { failed, rounds, values } = await (await Run.start(link, { rounds: 2, 'min-nodes': 2 })).outcome();
    must(failed === undefined && rounds.map(({ results }) => results).join() === '2,2', 'the run ended well', failed ?? rounds);
    follows(values, closedForm([targets, targets]));
    return '2 registered nodes over TLS; an unknown key and an unknown authority are refused';
  } catch (error) {
    throw new Error(`${(error as Error).stack}\n${link.process.output.slice(-3000)}`);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
    await link.stop();
  }
}

export const security: Row[] = [{ name: 'TLS and node authentication', run: secured }];
