// Starts the showcase server and talks to it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const showcase = async (program, database) => {
  const child = spawn(program, [database], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the showcase server ended");
    return value;
  };
  const places = JSON.parse(await line());
  const tell = async (word) => {
    child.stdin.write(`${word}\n`);
    await line();
  };
  const end = () => new Promise((resolve) => {
    child.once("exit", resolve);
    child.stdin.end();
  });
  return { ...places, tell, end };
};

// A login link, made by the operator and followed by the browser.
export const link = async (base, token) => {
  const answer = await fetch(`${base}/api/v1/login-links`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  return (await answer.json()).url;
};
