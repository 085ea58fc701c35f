// Checks HTML pages for accessibility in Chromium, at desktop and phone width.
//
//   npm i --no-save playwright-core axe-core
//   node .ci/axe.mjs [--screenshots FOLDER] PAGE.html...
//
// Exits with 1 if axe-core finds a violation, a page asks for anything outside itself, or it scrolls sideways.
// The modules are looked for beside this file and in the current folder; CHROMIUM names another browser.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const WIDTHS = [1280, 320];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

function load(name) {
  for (const base of [import.meta.url, pathToFileURL(path.join(process.cwd(), 'x'))]) {
    try { return { found: createRequire(base).resolve(name), require: createRequire(base) }; } catch { /* next */ }
  }
  console.error(`${name} is not installed. Run: npm i --no-save playwright-core axe-core`);
  process.exit(2);
}

async function check(context, page, width, axe, shots) {
  const view = await context.newPage();
  await view.setViewportSize({ width, height: 900 });
  const asked = [];
  view.on('request', (r) => { if (r.url() !== pathToFileURL(page).href && !r.url().startsWith('data:')) asked.push(r.url()); });
  await view.goto(pathToFileURL(page).href);
  const name = `${path.basename(path.dirname(page))}-${path.basename(page, '.html')}-${width}.png`;
  if (shots) await view.screenshot({ path: path.join(shots, name), fullPage: true });
  // Folded parts are opened, or their content would escape the check.
  await view.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  await view.evaluate(axe);
  const { violations } = await view.evaluate((runOnly) => axe.run(document, { runOnly }), RULES);
  const wide = await view.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await view.close();
  return [
    ...violations.map((v) => `${v.id} (${v.impact}) x${v.nodes.length}: ${v.nodes[0].target.join(' ')}`),
    ...asked.map((url) => `asks for ${url}`),
    ...(wide > 0 ? [`scrolls sideways by ${wide} pixels`] : []),
  ];
}

const words = process.argv.slice(2);
const at = words.indexOf('--screenshots');
const shots = at < 0 ? null : words.splice(at, 2)[1];
if (!words.length) { console.error('usage: node .ci/axe.mjs [--screenshots FOLDER] PAGE.html...'); process.exit(2); }
if (shots) fs.mkdirSync(shots, { recursive: true });

const playwright = load('playwright-core');
const { chromium } = playwright.require('playwright-core');
const axe = fs.readFileSync(load('axe-core/axe.min.js').found, 'utf8');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: FLAGS });
const context = await browser.newContext({ offline: true });
let findings = 0;
for (const page of words.map((w) => path.resolve(w))) {
  for (const width of WIDTHS) {
    const found = await check(context, page, width, axe, shots);
    findings += found.length;
    console.log(`${path.relative(process.cwd(), page)} at ${width}: ${found.length ? found.length + ' findings' : 'ok'}`);
    found.forEach((f) => console.log(`  ${f}`));
  }
}
await browser.close();
process.exit(findings ? 1 : 0);
