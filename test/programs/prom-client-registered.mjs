// A service with prom-client under accelmeter/register: one line puts what is measured on its page. Ends when the page
// has a process of ours, with how often it asked until then and the page on stdout.
//
//   node --import accelmeter/register test/programs/prom-client-registered.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { registerInto } from 'accelmeter/prom-client';
import { Counter, register } from 'prom-client';

registerInto(register);
new Counter({ name: 'shop_orders_total', help: 'Orders.' }).inc(5);

let page = await register.metrics();
let asked = 1;
for (; !/^process_uptime_seconds /m.test(page) && asked < 100; asked++) {
  await sleep(100);
  page = await register.metrics();
}
console.log(`asked ${asked}`);
console.log(page);
