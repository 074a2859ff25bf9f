// Asks for every page at three widths, light and dark, and fails on what a reader would mind:
// a wrong status, something wider than the window, a message in the console, an axe finding,
// more than 60 kB. Then lives through a run: log lines arrive, the server goes and comes back.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { pages } from "./pages.mjs";
import { FLAGS, link, showcase } from "./showcase.mjs";
import { stories } from "./stories.mjs";

const WIDTHS = [390, 820, 1440];
const SCHEMES = ["light", "dark"];
const LARGEST = 60_000;
// Milliseconds; the promise is made for an optimised build.
const SLOWEST = 50;

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// With a third word only the stories whose name has it are told.
const [program, database, only] = process.argv.slice(2);
const place = await showcase(program, database);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
let passed = 0;
const failed = [];
const verdict = (name, problems) => {
  if (!problems.length) { passed += 1; return; }
  failed.push(name);
  console.log(`FAILED ${name}`);
  problems.forEach((problem) => console.log(`       ${problem}`));
};

const context = async (which, colorScheme) => {
  // What is tested is ours; axe is put into the page past the page's own policy.
  const made = await browser.newContext({ colorScheme, reducedMotion: "reduce" });
  if (which !== "out") {
    const page = await made.newPage();
    await page.goto(await link(place[which], place.token));
    await page.close();
  }
  return made;
};

const findings = async (page) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `axe: ${id}: ${nodes[0].html.slice(0, 160)} (${nodes[0].failureSummary.split("\n")[1]?.trim()})`);
};

// Bytes as they went over the wire, with style and script, and whatever came late.
const weight = (page) => page.evaluate(() => {
  const sizes = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return sizes.filter((entry) => !entry.name.includes("/events")).reduce((sum, entry) => sum + entry.encodedBodySize, 0);
});

const check = async (page, [name, which, path, expected], scheme) => {
  const problems = [];
  const note = (message) => problems.push(`console: ${message}`);
  page.removeAllListeners();
  page.on("console", (message) => {
    // That the page itself was answered 401 or 404 is what was asked for.
    const own = message.location().url.endsWith(path) && expected !== 200;
    if (["error", "warning"].includes(message.type()) && !own) note(message.text());
  });
  page.on("pageerror", (error) => note(error.message));
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
  const answer = await page.goto((place[which] ?? place.full) + path, { waitUntil: "load" });
  if (answer.status() !== expected) problems.push(`status ${answer.status()}, not ${expected}`);
  const bytes = await weight(page);
  if (bytes > LARGEST) problems.push(`weighs ${bytes} bytes`);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth > clientWidth ? `${scrollWidth} > ${clientWidth}` : "";
    });
    if (wide) problems.push(`overflows at ${width} px: ${wide}`);
    // Colours are the scheme's, order and sizes the width's: two of the six cover both.
    if (width === (scheme === "light" ? 390 : 1440)) problems.push(...await findings(page));
  }
  verdict(`${name} (${scheme})`, [...new Set(problems)]);
};

// First bytes, after a first request that fills the caches.
const quick = async (made, [name, which, path]) => {
  const times = [];
  for (let count = 0; count < 5; count += 1) {
    const begun = performance.now();
    const answer = await made.request.get((place[which] ?? place.full) + path, { headers: { accept: "text/html" } });
    times.push(performance.now() - begun);
    await answer.dispose();
  }
  return { name, time: Math.min(...times.slice(1)) };
};

try {
  const all = only ? [] : pages(place.deployments);
  for (const scheme of SCHEMES) {
    for (const which of ["full", "empty", "out"]) {
      const made = await context(which, scheme);
      const page = await made.newPage();
      for (const entry of all.filter((entry) => entry[1] === which)) await check(page, entry, scheme);
      await made.close();
    }
  }
  const made = await context("full", "light");
  for (const entry of all.filter(([, which]) => which === "full")) {
    const { name, time } = await quick(made, entry);
    // Told, not judged: a test that measures this machine's other work fails for no reason.
    if (time > SLOWEST) console.log(`slow: ${name} took ${time.toFixed(0)} ms to its first byte`);
  }
  await made.close();
  for (const [name, story] of Object.entries(stories).filter(([name]) => name.includes(only ?? ""))) {
    const made = await context("full", "light");
    const page = await made.newPage();
    await page.setViewportSize({ width: 1200, height: 800 });
    try {
      await story(page, place);
      verdict(name, []);
    } catch (error) {
      verdict(name, [error.message.split("\n").slice(0, 6).join(" / ")]);
    }
    await made.close();
  }
} finally {
  await browser.close();
  await place.end();
}
console.log(`browser: ${passed} passed, ${failed.length} failed`);
process.exit(failed.length ? 1 : 0);
