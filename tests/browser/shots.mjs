// Pictures to look at: node shots.mjs PROGRAM DATABASE FOLDER [NAME …] [--wide] [--dark]
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { pages } from "./pages.mjs";
import { FLAGS, link, showcase } from "./showcase.mjs";

const [program, database, folder, ...rest] = process.argv.slice(2);
const names = rest.filter((word) => !word.startsWith("--"));
const option = (name, values) => (rest.some((word) => values.includes(word.slice(2))) ? values.filter((v) => rest.includes(`--${v}`)) : name);
const widths = option(["390", "820", "1440"], ["390", "820", "1440"]).map(Number);
const schemes = option(["light", "dark"], ["light", "dark"]);
mkdirSync(folder, { recursive: true });
const place = await showcase(program, database);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
for (const colorScheme of schemes) {
  const contexts = {};
  for (const which of ["full", "empty", "out"]) {
    contexts[which] = await browser.newContext({ colorScheme });
    if (which === "out") continue;
    const page = await contexts[which].newPage();
    await page.goto(await link(place[which], place.token));
    await page.close();
  }
  for (const [name, which, path] of pages(place.deployments)) {
    if (names.length && !names.some((start) => name.startsWith(start))) continue;
    const page = await contexts[which].newPage();
    for (const width of widths) {
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      await page.goto((place[which] ?? place.full) + path);
      await page.waitForTimeout(150);
      const tall = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width, height: Math.min(Math.max(tall, 500), 1600) });
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
    }
    await page.close();
  }
}
await browser.close();
await place.end();
