import { createHash } from 'node:crypto'
import { pageScript } from './page-script.js'
import { pageStyle } from './page-style.js'

/** The status page: one file, nothing from elsewhere, so that it works where there is no internet. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>lvskeeper</title>
<style>${pageStyle}</style>
<header><h1>lvskeeper</h1><p id="title" role="status">loading ...</p>
<form id="login" hidden><label>token <input type="password" id="token" autocomplete="off"></label> <button>open</button></form>
<label>show only <input id="filter" placeholder="web, 10.9.0.21, down ..."></label></header>
<main>
<section><h2>Different from normal</h2><ul id="notices"></ul></section>
<section><h2>Virtual routers</h2><table id="routers"></table></section>
<section><h2>Directors</h2><table id="peers"></table></section>
<section><h2>Virtual servers</h2><table id="services"></table></section>
<section><h2>Events</h2><table id="events"></table></section>
</main>
<script>${pageScript}</script>
</html>
`

/** Only this very script and style run, and they speak to this director only. */
export const pagePolicy: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    `script-src 'sha256-${digest(pageScript)}'`,
    `style-src 'sha256-${digest(pageStyle)}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
