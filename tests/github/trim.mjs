// From GitHub's own description of its API to the part that Slipway speaks: the routes below, the
// schemas and examples that they need, in plain JSON Schema (GitHub writes OpenAPI 3.0).
import { readFileSync, writeFileSync } from 'node:fs';

const [into] = process.argv.slice(2);
const ROUTES = [
  '/app', '/app/installations', '/app/installations/{installation_id}/access_tokens', '/installation/repositories',
  '/rate_limit', '/user', '/user/repos', '/repos/{owner}/{repo}',
  '/repos/{owner}/{repo}/branches', '/repos/{owner}/{repo}/branches/{branch}',
  '/repos/{owner}/{repo}/collaborators/{username}/permission',
  '/repos/{owner}/{repo}/check-runs', '/repos/{owner}/{repo}/check-runs/{check_run_id}',
  '/repos/{owner}/{repo}/commits/{ref}', '/repos/{owner}/{repo}/commits/{ref}/check-runs',
  '/repos/{owner}/{repo}/commits/{ref}/statuses', '/repos/{owner}/{repo}/git/matching-refs/{ref}',
  '/repos/{owner}/{repo}/deployments', '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
  '/repos/{owner}/{repo}/git/ref/{ref}', '/repos/{owner}/{repo}/hooks',
  '/repos/{owner}/{repo}/hooks/{hook_id}', '/repos/{owner}/{repo}/installation',
  '/repos/{owner}/{repo}/pulls', '/repos/{owner}/{repo}/pulls/{pull_number}',
  '/repos/{owner}/{repo}/statuses/{sha}',
];

const from = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}`, import.meta.url)));
const whole = from('@octokit/openapi/generated/api.github.com.json');
const kept = { paths: {}, components: {} };

// A null is said beside the type in OpenAPI 3.0, and is a type of its own in JSON Schema.
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  const { nullable, description, ...rest } = value;
  // A property may be named so; a description is a text.
  if (description !== undefined && typeof description !== 'string') rest.description = description;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, part]) => [key, plain(part)]));
  return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema;
}

function follow(value) {
  if (value === null || typeof value !== 'object') return;
  if (typeof value.$ref === 'string') {
    const [, , kind, name] = value.$ref.split('/');
    kept.components[kind] ??= {};
    if (!(name in kept.components[kind])) {
      const found = whole.components[kind][name];
      // What an example shows is data, whatever its keys are called.
      kept.components[kind][name] = kind === 'examples' ? found : plain(found);
      if (kind !== 'examples') follow(kept.components[kind][name]);
    }
  }
  Object.values(value).forEach(follow);
}

for (const route of ROUTES) {
  const found = whole.paths[route];
  if (!found) throw new Error(`GitHub describes no ${route}`);
  kept.paths[route] = {};
  for (const method of ['get', 'post', 'patch', 'put', 'delete']) {
    if (!found[method]) continue;
    const { parameters, requestBody, responses } = found[method];
    kept.paths[route][method] = plain({ parameters, requestBody, responses });
  }
  follow(kept.paths[route]);
}
writeFileSync(`${into}/api.json`, JSON.stringify(kept));
writeFileSync(`${into}/payloads.json`, JSON.stringify(from('@octokit/webhooks-examples/api.github.com/index.json')));
