// Checks HTML pages for accessibility in Chromium, at desktop and phone width.
//
//   npm i --no-save playwright-core axe-core
//   node .ci/axe.mjs [--json] [--screenshots FOLDER] PAGE.html...
//
// Exits with 1 if axe-core finds a violation, a page asks for anything outside itself, runs anything, or scrolls
// sideways; with 2 if something that it needs is missing. The modules are looked for in the folder CSEVAL_AXE, in the
// current folder and beside this file; CHROMIUM names another browser.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const WIDTHS = [1280, 320];
const AT_ONCE = 2;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

function load(name) {
  const folders = [process.env.CSEVAL_AXE, process.cwd()].filter(Boolean).map((f) => pathToFileURL(path.join(f, 'x')));
  for (const base of [...folders, import.meta.url]) {
    try { return { found: createRequire(base).resolve(name), require: createRequire(base) }; } catch { /* next */ }
  }
  console.error(`${name} is not installed. Run: npm i --no-save playwright-core axe-core`);
  process.exit(2);
}

// What a page holds that could run: scripts, and attributes such as onerror.
function runnable() {
  const handlers = [...document.querySelectorAll('*')].filter((e) => e.getAttributeNames().some((n) => n.startsWith('on')));
  const links = document.querySelectorAll('[href^="javascript:" i], [src^="javascript:" i]');
  return [...document.scripts, ...handlers, ...links].map((e) => e.outerHTML.slice(0, 80));
}

async function check(context, page, width, axe, shots) {
  const view = await context.newPage();
  await view.setViewportSize({ width, height: 900 });
  const asked = [], ran = [];
  view.on('request', (r) => { if (r.url() !== pathToFileURL(page).href && !r.url().startsWith('data:')) asked.push(r.url()); });
  view.on('dialog', (d) => { ran.push(`${d.type()}: ${d.message()}`); d.dismiss(); });
  view.on('pageerror', (e) => ran.push(e.message));
  await view.goto(pathToFileURL(page).href);
  ran.push(...await view.evaluate(runnable));
  const name = `${path.basename(path.dirname(page))}-${path.basename(page, '.html')}-${width}.png`;
  if (shots) await view.screenshot({ path: path.join(shots, name), fullPage: true });
  // Folded parts are opened, or their content would escape the check.
  await view.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  await view.evaluate(axe);
  const options = { runOnly: RULES, resultTypes: ['violations'] };
  const { violations } = await view.evaluate((given) => axe.run(document, given), options);
  const wide = await view.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await view.close();
  return [
    ...violations.map((v) => `${v.id} (${v.impact}) x${v.nodes.length}: ${v.nodes[0].target.join(' ')}`),
    ...asked.map((url) => `asks for ${url}`),
    ...ran.map((what) => `runs ${what}`),
    ...(wide > 0 ? [`scrolls sideways by ${wide} pixels`] : []),
  ];
}

const words = process.argv.slice(2);
const at = words.indexOf('--screenshots');
const shots = at < 0 ? null : words.splice(at, 2)[1];
const asJson = words.includes('--json');
const pages = words.filter((w) => w !== '--json').map((w) => path.resolve(w));
if (!pages.length) { console.error('usage: node .ci/axe.mjs [--json] [--screenshots FOLDER] PAGE.html...'); process.exit(2); }
if (shots) fs.mkdirSync(shots, { recursive: true });

const playwright = load('playwright-core');
const { chromium } = playwright.require('playwright-core');
const axe = fs.readFileSync(load('axe-core/axe.min.js').found, 'utf8');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: FLAGS });
const context = await browser.newContext({ offline: true });
const results = pages.flatMap((page) => WIDTHS.map((width) => ({ page, width })));
const waiting = [...results];
async function work() {
  for (let next; (next = waiting.shift());) next.findings = await check(context, next.page, next.width, axe, shots);
}
await Promise.all(Array.from({ length: AT_ONCE }, work));
await browser.close();
if (asJson) console.log(JSON.stringify(results));
else for (const { page, width, findings } of results) {
  const count = findings.length ? `${findings.length} findings` : 'ok';
  console.log(`${path.relative(process.cwd(), page)} at ${width}: ${count}`);
  findings.forEach((f) => console.log(`  ${f}`));
}
process.exit(results.some((r) => r.findings.length) ? 1 : 0);
